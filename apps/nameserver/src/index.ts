export { idleNameserverOptions } from './idle-options.js';
export { loadNameserverOptions, nameserverOptions } from './nameserver.config.js';
export type { NameserverOptions } from './nameserver.config.js';
export { NameserverModule } from './nameserver.module.js';
export { NameserverServer } from './nameserver.server.js';
export { startNameserver } from './start-nameserver.js';
export type { RunningNameserver, StartNameserverOptions } from './start-nameserver.js';
