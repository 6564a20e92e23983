/** Bytes: the bounds of Apache's `message_size`. */
export const sizeBounds: readonly number[] = [
  1_024, 4_096, 524_288, 1_048_576, 2_097_152, 4_194_304,
];
/** Milliseconds: those of `topic_create_execution_time`. */
export const timeBounds: readonly number[] = [10, 100, 1_000, 3_000, 5_000];
/** Seconds: those of `finish_message_latency`. */
export const latencyBounds: readonly number[] = [5, 60, 600, 3_600, 43_200, 86_400];
