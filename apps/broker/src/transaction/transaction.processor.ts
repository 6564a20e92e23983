import { type Clock, emptySpan, type Logger, type Span, viewOf } from '@nestjs-rocketmq/foundation';
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
import { MessageType } from '../admin/topic-traffic.js';
import type { Delays } from '../schedule/delays.js';
import { refuseForStore } from '../send/store-refusal.js';
import type { WaitingLine } from '../send/waiting-line.js';
import { MessageDraft, type StoreHost } from '../send/message-draft.js';
import type { HalfMessages } from './half-messages.js';
import { HalfProperties } from './half-properties.js';
import type { TransactionCheckService } from './transaction-check.service.js';

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
  private readonly half = new HalfProperties();

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
    const record = this.parts.store.lookAt(asked.commitLogOffset);
    if (record === undefined) {
      return reply.refuse(ResponseCode.SYSTEM_ERROR, 'Find prepared transaction message failed');
    }
    try {
      this.draft.copy(record.bytes, record.data, record.to);
      this.half.read(this.draft.properties);
      const problem = this.problemOf(asked, record);
      if (problem !== undefined) return this.refuse(asked, reply, problem);
      const topic = this.half.topic.text ?? '';
      if (isCommit) this.commit(topic, asked.commitLogOffset);
      const { halves, figures, clock } = this.parts;
      const now = clock.now();
      halves.decide(asked.tranStateTableOffset, topic, now);
      if (isCommit) figures.transactions.committed(topic, now - this.draft.bornTimestamp);
      else figures.transactions.rolledBack(topic);
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

  private commit(topic: string, halfPosition: number): void {
    const { draft, half } = this;
    draft.topic = topic;
    draft.queueId = Number(half.queueId.text ?? 0);
    draft.uniqueKey = half.uniqueKey.isThere ? half.uniqueKey : undefined;
    draft.keys = half.keys.isThere ? half.keys : emptySpan;
    draft.sysFlag = withTransactionState(draft.sysFlag, SysFlag.TRANSACTION_COMMIT);
    draft.preparedTransactionOffset = halfPosition;
    const level = Number(half.delay.text ?? 0);
    if (level > 0) this.parts.delays.divert(draft, level);
    const placed = this.parts.store.append(draft);
    this.parts.figures.storedIn(draft.topic, placed.size, MessageType.transaction);
  }

  /** Why this request must not decide about the half message that the draft was copied from. */
  private problemOf(
    asked: AskedView<typeof EndTransaction>,
    { bytes, data }: Span,
  ): { code: number; remark: string } | undefined {
    const wrong = (remark: string) => ({ code: ResponseCode.SYSTEM_ERROR, remark });
    const { half } = this;
    const offset = asked.tranStateTableOffset;
    if (!half.group.is(asked.producerGroup)) {
      return wrong('The producer group wrong');
    }
    if (readInt64(data, recordField.queueOffset) !== offset) {
      return wrong('The transaction state table offset wrong');
    }
    if (readInt64(data, recordField.logPosition) !== asked.commitLogOffset) {
      return wrong('The commit log offset wrong');
    }
    if (!half.topic.isThere || !this.isHalf(bytes)) {
      return wrong(`At ${asked.commitLogOffset} lies no half message`);
    }
    // After a power failure another half may stand where the one that is meant stood.
    const { transactionId } = asked;
    if (transactionId && half.uniqueKey.isThere && !half.uniqueKey.is(transactionId)) {
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
    for (let i = 0; i < halfTopic.length; i += 1) {
      if (record[topicFrom + i] !== halfTopic[i]) return false;
    }
    return true;
  }

  /** A sender with a time of immunity has that time to decide; then only checks count. */
  private isTooLate(): boolean {
    if (!this.half.immunity.isThere) return false;
    const seconds = Number(this.half.immunity.text);
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

const halfTopic = new TextEncoder().encode(SystemTopic.TRANSACTION_HALF);
