import { join } from 'node:path';
import { messageOf } from '@nestjs-rocketmq/foundation';
import { SeededRandom } from '@nestjs-rocketmq/foundation/testing';
import type { EmbeddedRocketMQ } from '@nestjs-rocketmq/embedded';
import { Producer } from '@nestjs-rocketmq/client';
import { createTopic } from '../support/registration.js';
import type { Database } from './database.js';
import { Life } from './life.js';

/** 1 s of the listeners with 2 s of grace, 6 s of the producers; the rest is a slow machine's. */
const exitWithinMs = 20_000;
const startWithinMs = 60_000;
const settleWithinMs = 120_000;
const ordersOfStory = 60;

/** What one seed came to. */
export interface Outcome {
  readonly problems: string[];
  readonly lives: number;
  readonly orders: number;
  readonly notes: number;
  /** Notes that were handled more than once: allowed, and told. */
  readonly repeated: number;
  /** The longest way from a signal to the end, ms. */
  readonly longestExit: number;
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** One seed: a few lives of an application on topics of its own. */
export class Story {
  private readonly random: SeededRandom;
  private readonly problems: string[] = [];
  private readonly acknowledged: string[] = [];
  private readonly noted: string[] = [];
  private readonly read: string[] = [];
  private readonly names: { readonly orders: string; readonly notes: string };
  private lives = 0;
  private longestExit = 0;
  private isSending = true;

  constructor(
    private readonly seed: number,
    private readonly servers: EmbeddedRocketMQ,
    private readonly database: Database,
  ) {
    this.random = new SeededRandom(seed);
    this.names = { orders: `orders-${seed}`, notes: `notes-${seed}` };
  }

  async play(): Promise<Outcome> {
    const { servers, names, random } = this;
    await using producer = new Producer({
      nameServers: servers.nameServers,
      group: `buyers-${this.seed}`,
      instanceName: `buyers-${this.seed}`,
    });
    try {
      await createTopic(servers.brokerAddress, names.orders, 4);
      await createTopic(servers.brokerAddress, names.notes, 4);
      await producer.start();
      const sending = this.sendOrders(producer);
      const kills = 1 + random.below(2);
      for (let life = 0; life < kills; life += 1) await this.shortLife();
      await this.lastLife(sending);
      await this.judge();
    } catch (error) {
      this.problems.push(messageOf(error));
    } finally {
      this.isSending = false;
    }
    return {
      problems: this.problems,
      lives: this.lives,
      orders: this.acknowledged.length,
      notes: this.noted.length,
      repeated: this.read.length - new Set(this.read).size,
      longestExit: this.longestExit,
    };
  }

  private async sendOrders(producer: Producer): Promise<void> {
    const { random, names } = this;
    const slow = random.below(ordersOfStory);
    for (let n = 0; n < ordersOfStory && this.isSending; n += 1) {
      const id = `o${n}`;
      // One of them takes longer than a stop waits.
      const ms = n === slow ? 1_500 : random.below(6);
      const order = { id, ms, failsFirst: random.below(12) === 0 };
      try {
        const body = new TextEncoder().encode(JSON.stringify(order));
        await producer.send({ topic: names.orders, body, keys: [id] });
        this.acknowledged.push(id);
      } catch {
        // Not acknowledged: nothing is promised of it.
      }
      await sleep(random.below(20));
    }
  }

  private start(): Life {
    const { servers, names, database } = this;
    this.lives += 1;
    const offsetDirectory = join(servers.dir, 'offsets');
    const { nameServers } = servers;
    return Life.start({ nameServers, ...names, life: this.lives, offsetDirectory }, database);
  }

  /** Is told to end at any moment: while it starts, or under load. */
  private async shortLife(): Promise<void> {
    const life = this.start();
    try {
      await life.until('armed', startWithinMs);
      if (this.random.below(4) === 0) await sleep(this.random.below(200));
      else {
        await life.until('running', startWithinMs);
        await sleep(this.random.below(900));
      }
    } finally {
      await this.end(life);
    }
  }

  /** Consumes what is left, then is told to end. */
  private async lastLife(sending: Promise<void>): Promise<void> {
    const life = this.start();
    try {
      await life.until('running', startWithinMs);
      await sending;
      const late = Date.now() + settleWithinMs;
      while ((await this.missing(life)).length > 0 && Date.now() < late) await sleep(100);
    } finally {
      await this.end(life);
    }
  }

  private async end(life: Life): Promise<void> {
    const { code, signal, took } = await life.terminate(exitWithinMs);
    this.noted.push(...life.noted);
    this.read.push(...life.read);
    this.longestExit = Math.max(this.longestExit, took);
    if (code === 0) return;
    const how = signal === null ? `code ${code}` : signal;
    this.problems.push(`life ${this.lives} ended with ${how} after ${took} ms: ${life.output}`);
  }

  /** Orders without effect, and notes of lives before that were not handled. */
  private async missing(life?: Life): Promise<string[]> {
    const effects = await this.database.effects(this.names.orders);
    const read = new Set([...this.read, ...(life?.read ?? [])]);
    return [
      ...this.acknowledged.filter((id) => !effects.has(id)),
      ...this.noted.filter((id) => !read.has(id)),
    ];
  }

  private async judge(): Promise<void> {
    const effects = await this.database.effects(this.names.orders);
    const doubled = [...effects].filter(([, count]) => count !== 1);
    for (const [id, count] of doubled) this.problems.push(`order ${id} had ${count} effects`);
    const lastLife = `${this.lives}-`;
    const missing = await this.missing();
    // What the last life still sent while it was ending has no reader any more.
    const lost = missing.filter((id) => !id.startsWith(lastLife));
    if (lost.length > 0) this.problems.push(`acknowledged and not handled: ${lost.join(', ')}`);
  }
}
