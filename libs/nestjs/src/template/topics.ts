declare const payloadOf: unique symbol;
declare const propertiesOf: unique symbol;

/** A value that becomes the text of a property. */
export type PropertyValue = string | number | bigint | boolean;

/** Properties of a message; undefined ones are left out. */
export type MessageProperties = Readonly<Record<string, PropertyValue | undefined>>;

/**
 * In a map of topics: the payload together with the properties that may go with it.
 *
 * @example
 * ```ts
 * interface ShopTopics {
 *   orders: OrderPlaced;
 *   'payments:settled': WithProperties<Settled, { region: 'eu' | 'us' }>;
 * }
 * ```
 */
export interface WithProperties<Payload, Properties extends object> {
  readonly [payloadOf]: Payload;
  readonly [propertiesOf]: Properties;
}

type IsOpen<Topics extends object> = [keyof Topics] extends [never] ? true : false;

type DestinationIn<Name extends string> = Name extends `${string}:${string}`
  ? Name
  : Name | `${Name}:${string}`;

/** What may be sent to: a topic of the map, alone or as `topic:tag`; any text without a map. */
export type Destination<Topics extends object> =
  IsOpen<Topics> extends true ? string : DestinationIn<Extract<keyof Topics, string>>;

type EntryOf<Topics extends object, D> = D extends keyof Topics
  ? Topics[D]
  : D extends `${infer Topic}:${string}`
    ? Topic extends keyof Topics
      ? Topics[Topic]
      : never
    : never;

type PayloadIn<Entry> = Entry extends WithProperties<infer Payload, object> ? Payload : Entry;
type PropertiesIn<Entry> =
  Entry extends WithProperties<unknown, infer Properties> ? Properties : MessageProperties;

/** The payload of a destination; `unknown` without a map. */
export type PayloadOf<Topics extends object, D> =
  IsOpen<Topics> extends true ? unknown : PayloadIn<EntryOf<Topics, D>>;

/** The properties that may go with messages of a destination. */
export type PropertiesOf<Topics extends object, D> =
  IsOpen<Topics> extends true ? MessageProperties : PropertiesIn<EntryOf<Topics, D>>;
