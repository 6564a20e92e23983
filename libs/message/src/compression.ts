import { deflate, deflateSync, inflate, inflateSync } from 'node:zlib';
import { CompressionError } from './message.errors.js';
import { SysFlag } from './sys-flag.js';

/** Java's default, and ours: fast enough to be on by default. */
export const defaultCompressLevel = 5;
/** No body is inflated beyond this, whatever its bytes claim. */
export const defaultInflateLimit = 128 * 1024 * 1024;

/**
 * The flag bits that mark a body compressed by us: zlib, named as peers from 4.9.4 on do. Older
 * peers look at the first bit only and also take it as zlib.
 */
export const zlibBits = SysFlag.COMPRESSED | SysFlag.COMPRESSION_ZLIB;

export function isCompressed(sysFlag: number): boolean {
  return (sysFlag & SysFlag.COMPRESSED) !== 0;
}

/** Compresses a body as a zlib stream (RFC 1950); set `zlibBits` in the message's flag. */
export function compressBody(body: Uint8Array, level = defaultCompressLevel): Uint8Array {
  return deflateSync(body, { level });
}

/** `compressBody` on the thread pool; worth it from about 16 KiB. */
export function compressBodyAside(
  body: Uint8Array,
  level = defaultCompressLevel,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) =>
    deflate(body, { level }, (error, bytes) => (error === null ? resolve(bytes) : reject(error))),
  );
}

/**
 * Undoes the compression that the flag names; a body that is not compressed comes back as it is.
 * Throws `CompressionError` for algorithms other than zlib, damaged bytes, or a result over `limit`.
 */
export function decompressBody(
  body: Uint8Array,
  sysFlag: number,
  limit = defaultInflateLimit,
): Uint8Array {
  if (!isCompressed(sysFlag)) return body;
  checkAlgorithm(sysFlag);
  try {
    return inflateSync(body, { maxOutputLength: limit });
  } catch (cause) {
    throw failure(body, limit, cause);
  }
}

/** `decompressBody` on the thread pool. */
export function decompressBodyAside(
  body: Uint8Array,
  sysFlag: number,
  limit = defaultInflateLimit,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    if (!isCompressed(sysFlag)) return resolve(body);
    checkAlgorithm(sysFlag);
    inflate(body, { maxOutputLength: limit }, (error, bytes) =>
      error === null ? resolve(bytes) : reject(failure(body, limit, error)),
    );
  });
}

function checkAlgorithm(sysFlag: number): void {
  const algorithm = sysFlag & SysFlag.COMPRESSION_MASK;
  if (algorithm === 0 || algorithm === SysFlag.COMPRESSION_ZLIB) return;
  const name =
    algorithm === SysFlag.COMPRESSION_LZ4
      ? 'LZ4'
      : algorithm === SysFlag.COMPRESSION_ZSTD
        ? 'ZSTD'
        : `number ${algorithm >> 8}`;
  throw new CompressionError(
    `The body is compressed with ${name}, which is not supported; let the producer use ZLIB ` +
      '(rocketmq.message.compressType in Java).',
    { details: { algorithm: name } },
  );
}

function failure(body: Uint8Array, limit: number, cause: unknown): CompressionError {
  return new CompressionError(
    `A compressed body of ${body.length} bytes is damaged or inflates to more than ${limit} bytes.`,
    { cause, details: { compressedBytes: body.length, limit } },
  );
}
