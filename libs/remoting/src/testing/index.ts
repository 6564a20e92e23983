export * from './loopback.js';
export * from './certificates.js';
