export * from './diagnostics.js';
export * from './network.js';
export { nodeNetwork } from './node-network.js';
export type { ExtraFields, ExtraOfRequest } from './request-codec.js';
export type { Answer, InvokeOptions, NotifyOptions, Peer } from './peer.js';
export * from './remoting-client.js';
export * from './remoting-server.js';
export * from './remoting.errors.js';
export { RequestLatencies } from './request-latencies.js';
export type { HeldReply, Reply } from './reply.js';
export { Router } from './router.js';
export type {
  Call,
  ColdHandler,
  Guard,
  GuardedRequest,
  HotProcessor,
  Outcome,
  Outcomes,
  Route,
} from './router.js';
export { checkTls, type Pem, type TlsOptions, type TlsSetting } from './tls.js';
export type { StorageGate, StorageGateListener } from './storage-gate.js';
