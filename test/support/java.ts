/**
 * The official Java peers: servers, clients, our Java programs, mqadmin.
 * `javaMissing()` says why they cannot be used here; suites that need them are run by
 * `npm run test:interop`, never by `npm test`.
 */
export * from './java-process.js';
export * from './java-programs.js';
export * from './java-servers.js';
export * from './registration.js';
export * from './java-peer.js';
