import * as tls from 'node:tls';
import { TlsError } from './remoting.errors.js';

/** One or more PEM texts. */
export type Pem = string | Uint8Array | readonly (string | Uint8Array)[];

/** How connections are secured. PEM texts, not file names: read them where files are read. */
export interface TlsOptions {
  /** Certificates that may vouch for servers, instead of those that Node knows. */
  readonly ca?: Pem;
  /** The certificate of this side, with what vouches for it behind it; where servers want one. */
  readonly cert?: Pem;
  /** The private key of `cert`. */
  readonly key?: Pem;
  /** Opens `key` when it is encrypted. */
  readonly passphrase?: string;
  /** The name that a server's certificate must bear [the host connected to]. */
  readonly serverName?: string;
  /** False believes every server, so that anybody on the way can listen [true]. */
  readonly verify?: boolean;
  /** The lowest version spoken [`TLSv1.2`]. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
}

/** `true` for the defaults; a function is asked at each connection, for certificates that are renewed. */
export type TlsSetting = boolean | TlsOptions | (() => TlsOptions);

/** The options in force; undefined for plain connections. */
export function tlsOptionsOf(setting: TlsSetting | undefined): TlsOptions | undefined {
  if (setting === undefined || setting === false) return undefined;
  if (setting === true) return {};
  return typeof setting === 'function' ? setting() : setting;
}

/** Throws `TlsError` when certificates or keys cannot be read. */
export function checkTls(setting: TlsSetting | undefined): void {
  const options = tlsOptionsOf(setting);
  if (options === undefined) return;
  try {
    tls.createSecureContext(contextOf(options));
  } catch (cause) {
    throw unusable(cause);
  }
}

function unusable(cause: unknown): TlsError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new TlsError(
    `The option 'tls' cannot be used: ${why}. 'ca', 'cert' and 'key' are PEM texts ` +
      "('-----BEGIN ...'), not file names; 'key' belongs to 'cert'.",
    { cause },
  );
}

const list = (pem: Pem): string | Buffer | (string | Buffer)[] =>
  typeof pem === 'string'
    ? pem
    : pem instanceof Uint8Array
      ? Buffer.from(pem)
      : pem.map((one) => (typeof one === 'string' ? one : Buffer.from(one)));

function contextOf(options: TlsOptions): tls.SecureContextOptions {
  const { ca, cert, key, passphrase } = options;
  return {
    ...(ca === undefined ? {} : { ca: list(ca) }),
    ...(cert === undefined ? {} : { cert: list(cert) }),
    ...(key === undefined ? {} : { key: list(key) }),
    ...(passphrase === undefined ? {} : { passphrase }),
    minVersion: options.minVersion ?? 'TLSv1.2',
  };
}

/** Opens a secured socket; it says `secureConnect` when it is ready. Throws `TlsError`. */
export function connectSecurely(host: string, port: number, options: TlsOptions): tls.TLSSocket {
  const { serverName, verify } = options;
  try {
    const socket = tls.connect({
      ...contextOf(options),
      host,
      port,
      ...(serverName === undefined ? {} : { servername: serverName }),
      rejectUnauthorized: verify ?? true,
    });
    return socket.setNoDelay(true);
  } catch (cause) {
    throw unusable(cause);
  }
}

interface SystemError extends Error {
  readonly code?: string;
  /** Node lists the names of the certificate here. */
  readonly cert?: { readonly subjectaltname?: string; readonly valid_to?: string };
}

type Advice = (error: SystemError) => string;

const noTls: Advice = () =>
  'the server does not speak TLS on this port; switch it on there (tls.server.mode), or leave ' +
  "the option 'tls' out";
const hungUp: Advice = () =>
  'the server hung up during the handshake: it does not speak TLS on this port (tls.server.mode), or ' +
  "wants another certificate of this client ('cert' and 'key' of the option 'tls')";
const noTrust: Advice = () =>
  "nobody who is trusted vouches for the server's certificate; give the certificate of its CA as " +
  "'ca' of the option 'tls'";
const noClientCertificate: Advice = () =>
  "the server does not accept the certificate of this client; check 'cert' and 'key' of the option 'tls'";

/** What errors of Node mean, and what to do. */
const advices: readonly (readonly [RegExp, Advice])[] = [
  [/^CERT_HAS_EXPIRED$/, () => "the server's certificate has expired; renew it there"],
  [
    /^CERT_NOT_YET_VALID$/,
    () => "the server's certificate is not valid yet; look at the clocks of both sides",
  ],
  [
    /SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER)|CERT_UNTRUSTED|INVALID_CA|CERT_SIGNATURE_FAILURE/,
    noTrust,
  ],
  [
    /^ERR_TLS_CERT_ALTNAME_INVALID$/,
    ({ cert }) =>
      `the server's certificate is for other names (${cert?.subjectaltname ?? 'none'}); connect by ` +
      "one of them, or set 'serverName' of the option 'tls'",
  ],
  [/ALERT_PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/, () => 'the server speaks other versions of TLS'],
  [/_ALERT_/, noClientCertificate],
  [/^ECONNRESET$/, hungUp],
  [/^(EPROTO|ERR_SSL_WRONG_VERSION_NUMBER|ERR_SSL_PACKET_LENGTH_TOO_LONG)$/, noTls],
];

/** An error of a secured socket in our words; others, such as a refused connection, as undefined. */
export function tlsProblem(error: Error, address: string, isReady: boolean): TlsError | undefined {
  const { code = '' } = error as SystemError;
  // A reset of a connection that was ready says nothing about TLS.
  if (isReady && code === 'ECONNRESET') return undefined;
  const advice = advices.find(([pattern]) => pattern.test(code))?.[1];
  const isTls = advice !== undefined || code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS');
  if (!isTls) return undefined;
  const why = advice === undefined ? error.message : advice(error as SystemError);
  return new TlsError(`No secure connection to ${address}: ${why} (${code}).`, {
    cause: error,
    details: { address, reason: code },
    retriable: advice === noTls || advice === hungUp,
  });
}
