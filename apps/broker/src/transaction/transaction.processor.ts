import { type Clock, type Logger, viewOf } from '@nestjs-rocketmq/foundation';
import {
  parseOffsetMessageId,
  PropertyName,
  readInt64,
  recordField,
  StoredMessage,
  SysFlag,
  SystemTopic,
  withTransactionState,
} from '@nestjs-rocketmq/message';
import {
  type Asked,
  type AskedView,
  type EndTransaction,
  ResponseCode,
  ResponseError,
  type ResumeCheckHalfMessage,
  TransactionDecision,
} from '@nestjs-rocketmq/protocol';
import type { Reply } from '@nestjs-rocketmq/remoting';
import type { MessageStore } from '@nestjs-rocketmq/store';
import type { Figures } from '../admin/figures.js';
import type { Delays } from '../schedule/delays.js';
import { refuseForStore } from '../send/store-refusal.js';
import type { WaitingLine } from '../send/waiting-line.js';
import { MessageDraft, type StoreHost } from '../send/message-draft.js';
import type { HalfMessages } from './half-messages.js';
import type { TransactionCheckService } from './transaction-check.service.js';

const encoder = new TextEncoder();
const name = {
  group: encoder.encode(PropertyName.PRODUCER_GROUP),
  topic: encoder.encode(PropertyName.REAL_TOPIC),
  queueId: encoder.encode(PropertyName.REAL_QUEUE_ID),
  delay: encoder.encode(PropertyName.DELAY_TIME_LEVEL),
  immunity: encoder.encode(PropertyName.CHECK_IMMUNITY_TIME_IN_SECONDS),
  uniqueKey: encoder.encode(PropertyName.UNIQUE_KEY),
};

export interface TransactionParts {
  readonly figures: Figures;
  readonly store: MessageStore;
  readonly line: WaitingLine;
  readonly halves: HalfMessages;
  readonly checks: TransactionCheckService;
  readonly delays: Delays;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly place: StoreHost;
  /** Age of a half message at its first check, ms. */
  readonly options: { readonly transactionTimeOut: number };
}

/**
 * END_TRANSACTION: makes a half message visible, or withdraws it. The first decision counts; the
 * final message and the op message that says so are appended in one turn, so either both are in the
 * log or none is.
 */
export class TransactionProcessor {
  private readonly draft: MessageDraft;

  constructor(private readonly parts: TransactionParts) {
    this.draft = new MessageDraft(parts.place);
  }

  /**
   * A decision that is none leaves the half message undecided. Java then answers nothing; whoever
   * asked for an answer gets one here.
   */
  end(asked: AskedView<typeof EndTransaction>, reply: Reply<typeof EndTransaction>): void {
    if (this.parts.line.refuses('transaction', reply)) return;
    const { commitOrRollback } = asked;
    const isCommit = commitOrRollback === TransactionDecision.commit;
    if (commitOrRollback === TransactionDecision.unknown) return reply.success();
    if (!isCommit && commitOrRollback !== TransactionDecision.rollback) {
      const remark = `commitOrRollback must be 0, 8 or 12, but is ${commitOrRollback}`;
      return reply.refuse(ResponseCode.SYSTEM_ERROR, remark);
    }
    const record = this.parts.store.readRecord(asked.commitLogOffset);
    if (record === undefined) {
      return reply.refuse(ResponseCode.SYSTEM_ERROR, 'Find prepared transaction message failed');
    }
    try {
      this.draft.copy(record);
      const problem = this.problemOf(asked, record);
      if (problem !== undefined) return this.refuse(asked, reply, problem);
      if (isCommit) this.commit(asked.commitLogOffset);
      this.parts.halves.decide(asked.tranStateTableOffset, this.parts.clock.now());
      if (isCommit) this.parts.figures.commits += 1;
      else this.parts.figures.rollbacks += 1;
    } catch (error) {
      return refuseForStore(reply, error, this.parts.logger);
    }
    reply.successWhenStored();
  }

  /**
   * Begins the checks of a half message anew; `msgId` is its offset id. One that was given up (then
   * it is the id of what lies in TRANS_CHECK_MAX_TIME_TOPIC) becomes a half message again.
   */
  async resume(asked: Asked<typeof ResumeCheckHalfMessage>): Promise<void> {
    const { store, checks, halves } = this.parts;
    const { position } = parseOffsetMessageId(asked.msgId ?? '');
    const record = store.readRecord(position);
    if (record !== undefined) {
      const { draft } = this;
      draft.copy(record);
      const offset = readInt64(viewOf(record), recordField.queueOffset);
      if (this.isHalf(record) && !halves.isDecided(offset)) return checks.resume(offset);
      if (new StoredMessage(record).topic === SystemTopic.TRANSACTION_GIVEN_UP) {
        draft.rewriteProperties({ [PropertyName.TRANSACTION_CHECK_TIMES]: '0' });
        draft.topic = SystemTopic.TRANSACTION_HALF;
        draft.queueId = 0;
        store.append(draft);
        return store.flush();
      }
    }
    const remark = `At ${asked.msgId ?? 'no id'} lies no half message that is open`;
    throw new ResponseError(ResponseCode.SYSTEM_ERROR, remark);
  }

  private commit(halfPosition: number): void {
    const { draft } = this;
    draft.topic = draft.property(name.topic) ?? '';
    draft.queueId = Number(draft.property(name.queueId) ?? 0);
    draft.sysFlag = withTransactionState(draft.sysFlag, SysFlag.TRANSACTION_COMMIT);
    draft.preparedTransactionOffset = halfPosition;
    const level = Number(draft.property(name.delay) ?? 0);
    if (level > 0) this.parts.delays.divert(draft, level);
    const placed = this.parts.store.append(draft);
    this.parts.figures.storedIn(draft.topic, placed.size);
  }

  /** Why this request must not decide about the half message that the draft was copied from. */
  private problemOf(
    asked: AskedView<typeof EndTransaction>,
    record: Uint8Array,
  ): { code: number; remark: string } | undefined {
    const wrong = (remark: string) => ({ code: ResponseCode.SYSTEM_ERROR, remark });
    const { draft } = this;
    const data = viewOf(record);
    const offset = asked.tranStateTableOffset;
    if (draft.property(name.group) !== asked.producerGroup) {
      return wrong('The producer group wrong');
    }
    if (readInt64(data, recordField.queueOffset) !== offset) {
      return wrong('The transaction state table offset wrong');
    }
    if (readInt64(data, recordField.logPosition) !== asked.commitLogOffset) {
      return wrong('The commit log offset wrong');
    }
    if (draft.property(name.topic) === undefined || !this.isHalf(record)) {
      return wrong(`At ${asked.commitLogOffset} lies no half message`);
    }
    // After a power failure another half may stand where the one that is meant stood.
    const { transactionId } = asked;
    if (transactionId && transactionId !== (draft.property(name.uniqueKey) ?? transactionId)) {
      return wrong(`At ${asked.commitLogOffset} lies the half of another transaction`);
    }
    if (this.parts.halves.isDecided(offset)) {
      const remark = `The half message at queue offset ${offset} is decided already`;
      return { code: ResponseCode.ILLEGAL_OPERATION, remark };
    }
    if (!asked.fromTransactionCheck && this.isTooLate()) {
      const remark = 'The time in which the sender may decide is over; it will be checked';
      return { code: ResponseCode.ILLEGAL_OPERATION, remark };
    }
    return undefined;
  }

  private isHalf(record: Uint8Array): boolean {
    const { topicFrom, topicTo } = this.draft.topicRange;
    if (topicTo - topicFrom !== halfTopic.length) return false;
    return halfTopic.every((byte, i) => record[topicFrom + i] === byte);
  }

  /** A sender with a time of immunity has that time to decide; then only checks count. */
  private isTooLate(): boolean {
    const seconds = Number(this.draft.property(name.immunity));
    if (!Number.isFinite(seconds) || seconds < 0) return false;
    const allowed = Math.max(seconds * 1000, this.parts.options.transactionTimeOut);
    return this.parts.clock.now() - this.draft.bornTimestamp > allowed;
  }

  private refuse(
    asked: AskedView<typeof EndTransaction>,
    reply: Reply<typeof EndTransaction>,
    problem: { code: number; remark: string },
  ): void {
    this.parts.logger.info('refused a decision on a transaction', {
      group: asked.producerGroup,
      half: asked.tranStateTableOffset,
      decision: asked.commitOrRollback,
      remark: problem.remark,
    });
    reply.refuse(problem.code, problem.remark);
  }
}

const halfTopic = encoder.encode(SystemTopic.TRANSACTION_HALF);
