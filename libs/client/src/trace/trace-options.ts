import { option } from '@nestjs-rocketmq/foundation';
import { SystemTopic } from '@nestjs-rocketmq/message';

/** Options of everything that can trace its messages. */
export interface TraceOptions {
  /** Tell in the trace topic what was sent and consumed, when, and how it ended [false]. */
  readonly enableTrace?: boolean;
  /**
   * Where to [RMQ_SYS_TRACE_TOPIC, which brokers have with their setting `traceTopicEnable`]. Java:
   * traceTopic, customizedTraceTopic.
   */
  readonly traceTopic?: string;
  /** Records in one trace message at most [10]. */
  readonly traceMsgBatchNum?: number;
}

/** Declarations behind `TraceOptions`. */
export const traceOptionTable = {
  enableTrace: option.boolean({
    meaning: 'Tell in the trace topic what was sent and consumed, when, and how it ended.',
    default: false,
  }),
  traceTopic: option.text({
    meaning: "Where traces go; brokers have the default one with their setting 'traceTopicEnable'.",
    default: SystemTopic.TRACE,
  }),
  traceMsgBatchNum: option.integer({
    meaning: 'Records in one trace message at most.',
    default: 10,
    min: 1,
    max: 20,
  }),
};
