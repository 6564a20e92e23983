import { bytes } from '../command/body-codec.js';
import { defineCommand } from '../command/define-command.js';
import { bool, int32, int64, text } from '../command/header-schema.js';

/** `commitOrRollback` of END_TRANSACTION: the transaction bits of the system flag. */
export const TransactionDecision = { unknown: 0, commit: 8, rollback: 12 } as const;

/** A producer decides about its half message. Source: `EndTransactionRequestHeader`. */
export const EndTransaction = defineCommand({
  code: 37,
  name: 'END_TRANSACTION',
  needs: 'publish',
  asks: {
    topic: text().optional().names('topic'),
    producerGroup: text(),
    /** Queue offset of the half message. */
    tranStateTableOffset: int64(),
    /** Log position of the half message. */
    commitLogOffset: int64(),
    /** One of `TransactionDecision`. */
    commitOrRollback: int32(),
    fromTransactionCheck: bool().default(false),
    /** Unique key of the message. */
    msgId: text(),
    transactionId: text().optional(),
    brokerName: text().optional().onWire('bname'),
  },
  outcomes: ['SUCCESS'],
  oneway: true,
});

/** The broker asks a producer about a half message; the body is that message as stored. */
export const CheckTransactionState = defineCommand({
  code: 39,
  name: 'CHECK_TRANSACTION_STATE',
  needs: 'push',
  asks: {
    topic: text().optional(),
    tranStateTableOffset: int64(),
    commitLogOffset: int64(),
    msgId: text().optional(),
    transactionId: text().optional(),
    offsetMsgId: text().optional(),
    brokerName: text().optional().onWire('bname'),
  },
  askBody: bytes(),
  outcomes: ['SUCCESS'],
  oneway: true,
});

/** An operator starts the checks of a half message anew. */
export const ResumeCheckHalfMessage = defineCommand({
  code: 323,
  name: 'RESUME_CHECK_HALF_MESSAGE',
  needs: 'update',
  asks: { topic: text().optional().names('topic'), msgId: text().optional() },
  outcomes: ['SUCCESS'],
});
