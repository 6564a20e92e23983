import { deflate, deflateSync, inflate, inflateSync } from 'node:zlib';
import { messageOf } from '@nestjs-rocketmq/foundation';
import { compressLz4, decompressLz4 } from './lz4-frame.js';
import { CompressionError } from './message.errors.js';
import { SysFlag } from './sys-flag.js';
import { compressZstd, decompressZstd } from './zstd.js';

/** Java's default, and ours: fast enough to be on by default. */
export const defaultCompressLevel = 5;
/** No body is inflated beyond this, whatever its bytes claim. */
export const defaultInflateLimit = 128 * 1024 * 1024;

/** How a body is compressed; Java's names in small letters. */
export type CompressionType = 'zlib' | 'lz4' | 'zstd';

export const compressionTypes = ['zlib', 'lz4', 'zstd'] as const;

const bitsOf: Readonly<Record<CompressionType, number>> = {
  zlib: SysFlag.COMPRESSION_ZLIB,
  lz4: SysFlag.COMPRESSION_LZ4,
  zstd: SysFlag.COMPRESSION_ZSTD,
};

/** Highest levels; LZ4 has none. */
export const highestCompressLevel: Readonly<Record<CompressionType, number>> = {
  zlib: 9,
  lz4: 22,
  zstd: 22,
};

/**
 * The flag bits that mark a body compressed by us, named as peers from 4.9.4 on do. Older peers look
 * at the first bit only and take it as zlib.
 */
export function compressionBits(type: CompressionType): number {
  return SysFlag.COMPRESSED | bitsOf[type];
}

/** The same for zlib. */
export const zlibBits = SysFlag.COMPRESSED | SysFlag.COMPRESSION_ZLIB;

export function isCompressed(sysFlag: number): boolean {
  return (sysFlag & SysFlag.COMPRESSED) !== 0;
}

/** Compresses a body as a zlib stream (RFC 1950); set `zlibBits` in the message's flag. */
export function compressBody(body: Uint8Array, level = defaultCompressLevel): Uint8Array {
  return deflateSync(body, { level });
}

/**
 * Compresses a body; set `compressionBits` in the message's flag. zlib runs on the thread pool (worth
 * it from about 16 KiB), the others here.
 */
export function compressBodyAside(
  body: Uint8Array,
  level = defaultCompressLevel,
  type: CompressionType = 'zlib',
): Promise<Uint8Array> {
  if (type === 'lz4') return Promise.resolve(compressLz4(body));
  if (type === 'zstd') return compressZstd(body, level);
  return new Promise((resolve, reject) =>
    deflate(body, { level }, (error, bytes) => (error === null ? resolve(bytes) : reject(error))),
  );
}

/**
 * Undoes the compression that the flag names; a body that is not compressed comes back as it is.
 * Throws `CompressionError` for an unknown algorithm, damaged bytes, or a result over `limit`.
 */
export function decompressBody(
  body: Uint8Array,
  sysFlag: number,
  limit = defaultInflateLimit,
): Uint8Array {
  if (!isCompressed(sysFlag)) return body;
  try {
    switch (sysFlag & SysFlag.COMPRESSION_MASK) {
      // Peers before 4.9.4 do not name the algorithm.
      case 0:
      case SysFlag.COMPRESSION_ZLIB:
        return inflateSync(body, { maxOutputLength: limit });
      case SysFlag.COMPRESSION_LZ4:
        return decompressLz4(body, limit);
      case SysFlag.COMPRESSION_ZSTD:
        return decompressZstd(body, limit);
    }
  } catch (cause) {
    throw failure(body, limit, cause);
  }
  const number = (sysFlag & SysFlag.COMPRESSION_MASK) >> 8;
  throw new CompressionError(
    `The body is compressed in a way that is not known here (number ${number}).`,
    { details: { algorithm: number } },
  );
}

/** `decompressBody`, with zlib on the thread pool. */
export function decompressBodyAside(
  body: Uint8Array,
  sysFlag: number,
  limit = defaultInflateLimit,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const algorithm = sysFlag & SysFlag.COMPRESSION_MASK;
    const isZlib = algorithm === 0 || algorithm === SysFlag.COMPRESSION_ZLIB;
    if (!isCompressed(sysFlag) || !isZlib) return resolve(decompressBody(body, sysFlag, limit));
    inflate(body, { maxOutputLength: limit }, (error, bytes) =>
      error === null ? resolve(bytes) : reject(failure(body, limit, error)),
    );
  });
}

function failure(body: Uint8Array, limit: number, cause: unknown): CompressionError {
  return new CompressionError(
    `A compressed body of ${body.length} bytes is damaged or inflates to more than ${limit} bytes ` +
      `(${messageOf(cause)}).`,
    { cause, details: { compressedBytes: body.length, limit } },
  );
}
