export type { TestKitOptions, Wanted } from './kit-options.js';
export type { Fault, FaultPlace, FaultTarget } from './network/fault-rules.js';
export type { TestFaults } from './network/test-faults.js';
export type {
  ConsumedMessage,
  DeadLetter,
  SentMessage,
  TestMessage,
} from './records/test-message.js';
export type {
  RecordedKind,
  RecordedMessage,
  ScriptedReply,
} from './recording/recording-producer.js';
export * from './recording/recording-template.js';
export * from './rocketmq-testing.module.js';
export * from './test-kit.js';
export * from './testing.errors.js';
