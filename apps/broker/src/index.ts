export { type BrokerConfig, loadBrokerConfig } from './broker.config.js';
export { brokerOptions } from './broker.options.js';
export * from './broker.errors.js';
export { type BrokerOptions, type RunningBroker, startBroker } from './broker.server.js';
export { idleBrokerOptions } from './settings/idle-options.js';
