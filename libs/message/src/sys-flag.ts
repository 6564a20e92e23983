/**
 * The bits of a message's system flag (wire and commit log alike).
 * Source: org.apache.rocketmq.common.sysflag.MessageSysFlag.
 */
export const SysFlag = {
  COMPRESSED: 0x1,
  MULTI_TAGS: 0x2,
  TRANSACTION_PREPARED: 0x4,
  TRANSACTION_COMMIT: 0x8,
  /** Both transaction bits; also the mask of the transaction state. */
  TRANSACTION_ROLLBACK: 0xc,
  /** The born host has 16 bytes. */
  BORN_HOST_V6: 0x10,
  /** The store host has 16 bytes. */
  STORE_HOST_V6: 0x20,
  /** The body holds several messages that the consumer unwraps (5.x inner batch). */
  NEED_UNWRAP: 0x40,
  INNER_BATCH: 0x80,
  COMPRESSION_LZ4: 0x100,
  COMPRESSION_ZSTD: 0x200,
  COMPRESSION_ZLIB: 0x300,
  /** Mask of the compression algorithm; 0 means zlib as peers before 4.9.4 wrote it. */
  COMPRESSION_MASK: 0x700,
} as const;

const transactionMask = SysFlag.TRANSACTION_ROLLBACK;

export type TransactionState = 'none' | 'prepared' | 'commit' | 'rollback';

export function transactionState(sysFlag: number): TransactionState {
  switch (sysFlag & transactionMask) {
    case SysFlag.TRANSACTION_PREPARED:
      return 'prepared';
    case SysFlag.TRANSACTION_COMMIT:
      return 'commit';
    case SysFlag.TRANSACTION_ROLLBACK:
      return 'rollback';
    default:
      return 'none';
  }
}

/** The flag with its transaction state replaced; `state` is one of the `TRANSACTION_*` bits or 0. */
export function withTransactionState(sysFlag: number, state: number): number {
  return (sysFlag & ~transactionMask) | state;
}

/**
 * Whether a record of this kind stands in its consume queue: plain and committed ones do, prepared
 * and rolled back ones do not (and carry queue offset 0).
 */
export function standsInQueue(sysFlag: number): boolean {
  const state = sysFlag & transactionMask;
  return state === 0 || state === SysFlag.TRANSACTION_COMMIT;
}

export function bornHostLength(sysFlag: number): 4 | 16 {
  return (sysFlag & SysFlag.BORN_HOST_V6) === 0 ? 4 : 16;
}

export function storeHostLength(sysFlag: number): 4 | 16 {
  return (sysFlag & SysFlag.STORE_HOST_V6) === 0 ? 4 : 16;
}
