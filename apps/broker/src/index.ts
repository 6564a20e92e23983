export { brokerOptions, type BrokerConfig, loadBrokerConfig } from './broker.config.js';
export * from './broker.errors.js';
export { type BrokerOptions, type RunningBroker, startBroker } from './broker.server.js';
export { idleBrokerOptions } from './settings/idle-options.js';
