import {
  CheckTransactionState,
  EndTransaction,
  HeartBeat,
  TransactionDecision,
} from '@nestjs-rocketmq/protocol';
import { Router } from '@nestjs-rocketmq/remoting';
import type { Decision, History, SentMessage } from './history.js';
import type { Model } from './model.js';
import { Producer, payerGroup } from './producer.js';
import type { Step } from './story.js';
import type { World } from './world.js';

type Deciding = Extract<Step, { do: 'decide' }>;

/** What the payer says when it is asked about a half message. */
export type CheckAnswer = 'commit' | 'rollback' | 'unknown' | 'nothing';

/** The same for each half message, whatever else happens. */
export function checkAnswerOf(id: string): CheckAnswer {
  const number = Number(id.split('-')[1]);
  return (['commit', 'nothing', 'rollback', 'unknown', 'commit', 'nothing'] as const)[
    number % 6
  ] as CheckAnswer;
}

/** Sends half messages and decides about them: once, twice, late, otherwise, or when asked. */
export class Payer extends Producer {
  constructor(world: World, history: History, model: Model) {
    const router = new Router();
    super('payer', world, history, model, router);
    router.route(CheckTransactionState, (asked) => {
      this.asked(asked.msgId ?? '');
    });
  }

  /** Tells the broker that this producer group lives. */
  async greet(): Promise<void> {
    const body = {
      clientID: 'payer',
      producerDataSet: [{ groupName: payerGroup }],
      consumerDataSet: [],
      heartbeatFingerprint: 0,
      withoutSub: false,
    };
    await this.ask(HeartBeat, {}, { body });
  }

  /** Decides about one of the half messages that the broker has taken. */
  async decide(step: Deciding): Promise<void> {
    const halves = [...this.history.messages.values()].filter(
      (message) => message.isHalf && message.place !== undefined,
    );
    const half = halves[step.which % halves.length];
    if (half === undefined) return;
    for (const decision of step.decisions) {
      void this.conclude(half, decision, { isCheckAnswer: false, isOneway: step.isOneway });
      if (step.gap > 0) await this.sleep(step.gap);
    }
  }

  private asked(id: string): void {
    const { clock } = this.world;
    const half = this.history.messages.get(id);
    this.history.check(
      half?.place !== undefined || half?.outcome === 'unknown' || half?.outcome === 'pending',
      'I6',
      () => `a check about ${id}, which is no half message`,
    );
    if (half === undefined) return;
    const times = this.history.checks.get(id) ?? [];
    times.push(clock.time);
    this.history.checks.set(id, times);
    const answer = checkAnswerOf(id);
    this.note(`is asked about ${id}, says ${answer}`);
    if (answer === 'commit' || answer === 'rollback') {
      if (half.place === undefined) return;
      void this.conclude(half, answer, { isCheckAnswer: true, isOneway: false });
    }
  }

  private async conclude(
    half: SentMessage,
    decision: 'commit' | 'rollback',
    how: { isCheckAnswer: boolean; isOneway: boolean },
  ): Promise<void> {
    const { place, id } = half;
    if (place === undefined) return;
    const made: Decision = {
      id,
      decision,
      sentAt: this.world.clock.time,
      isCheckAnswer: how.isCheckAnswer,
      isOneway: how.isOneway,
      outcome: 'pending',
      endedAt: Number.POSITIVE_INFINITY,
    };
    this.history.decisions.push(made);
    const asked = {
      topic: half.topic,
      producerGroup: payerGroup,
      tranStateTableOffset: place.offset,
      commitLogOffset: place.position,
      commitOrRollback: TransactionDecision[decision],
      fromTransactionCheck: how.isCheckAnswer,
      msgId: id,
      transactionId: id,
    };
    this.note(`decides ${id}: ${decision}`);
    if (how.isOneway) made.outcome = await this.tell(EndTransaction, asked);
    else made.outcome = this.outcomeOf(await this.ask(EndTransaction, asked));
    made.endedAt = this.world.clock.time;
    this.note(`${id} ${decision} ${made.outcome}`);
  }
}
