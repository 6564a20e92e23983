/** Injection token of the `ConsistencyStorage` that the module was given. */
export const CONSISTENCY_STORAGE = Symbol.for('nestjs-rocketmq:consistency-storage');

/** Injection token of the options as they were given to `RocketMQConsistencyModule`. */
export const CONSISTENCY_OPTIONS = Symbol.for('nestjs-rocketmq:consistency-options');

/** Injection token of the options, checked and with their defaults. */
export const CONSISTENCY_SETTINGS = Symbol.for('nestjs-rocketmq:consistency-settings');
