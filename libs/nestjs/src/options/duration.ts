/** A time span: milliseconds, or a text such as `500ms`, `10s`, `15m`, `2h`, `1d`. */
export type Duration = number | string;
