import { CodedError } from '@nestjs-rocketmq/foundation';

/** No connection to the address could be made. */
export class ConnectError extends CodedError {
  readonly code = 'REMOTING_CONNECT_FAILED';
}

/**
 * A connection could not be secured: one side does not speak TLS, or a certificate is not accepted.
 * `details.reason` is Node's code.
 */
export class TlsError extends CodedError {
  readonly code = 'REMOTING_TLS_FAILED';
}

/** The port could not be taken. */
export class ListenError extends CodedError {
  readonly code = 'REMOTING_LISTEN_FAILED';
}

/** No answer came in time. The other side may or may not have carried the request out. */
export class RequestTimeoutError extends CodedError {
  readonly code = 'REMOTING_REQUEST_TIMEOUT';
}

/** The connection went away before the answer. The request may or may not have been carried out. */
export class ConnectionLostError extends CodedError {
  readonly code = 'REMOTING_CONNECTION_LOST';
}

/** The caller's signal was aborted. */
export class RequestAbortedError extends CodedError {
  readonly code = 'REMOTING_REQUEST_ABORTED';
}

/** The client or peer was closed before. */
export class RemotingClosedError extends CodedError {
  readonly code = 'REMOTING_CLOSED';
}

/** Too many requests wait for answers on this connection, or too many bytes to be sent. */
export class TooBusyError extends CodedError {
  readonly code = 'REMOTING_TOO_BUSY';
}

/** The table of routes contradicts itself. */
export class RouteError extends CodedError {
  readonly code = 'REMOTING_ROUTE_INVALID';
}

/** An address that is not `host:port`. */
export class AddressError extends CodedError {
  readonly code = 'REMOTING_ADDRESS_INVALID';
}
