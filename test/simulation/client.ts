import { silentLogger } from '@nestjs-rocketmq/foundation';
import { ResponseError, type CommandDefinition, type Asking } from '@nestjs-rocketmq/protocol';
import {
  type Answer,
  type InvokeOptions,
  RemotingClient,
  type Router,
} from '@nestjs-rocketmq/remoting';
import type { History, Outcome } from './history.js';
import { brokerAddress, type World } from './world.js';

/** How a request ended: with an answer, with a refusal, or nobody knows how. */
export type Ended<C extends CommandDefinition> =
  | { readonly outcome: 'ok'; readonly answer: Answer<C> }
  | { readonly outcome: 'failed'; readonly code: number }
  | { readonly outcome: 'unknown' };

const timeoutMs = 3000;

/** One client process: a connection to the broker that may break, and what it was told. */
export class Client {
  private readonly remoting: RemotingClient;

  constructor(
    readonly name: string,
    readonly world: World,
    readonly history: History,
    router?: Router,
  ) {
    this.remoting = new RemotingClient({
      network: world.network,
      clock: world.clock.of({ isAlive: true }),
      logger: silentLogger,
      router,
      idleMs: 0,
    });
  }

  /** The near end of the open connection. */
  get localAddress(): string {
    return this.remoting.openPeers().get(brokerAddress)?.localAddress ?? '';
  }

  async ask<C extends CommandDefinition>(
    definition: C,
    asked: Asking<C>,
    options: Partial<InvokeOptions<C>> = {},
  ): Promise<Ended<C>> {
    try {
      const answer = await this.remoting.invoke(brokerAddress, definition, asked, {
        timeoutMs,
        ...options,
      } as InvokeOptions<C>);
      return { outcome: 'ok', answer };
    } catch (error) {
      if (!(error instanceof ResponseError)) return { outcome: 'unknown' };
      return { outcome: 'failed', code: error.responseCode };
    }
  }

  async tell<C extends CommandDefinition>(definition: C, asked: Asking<C>): Promise<Outcome> {
    await this.remoting.notify(brokerAddress, definition, asked).catch(() => undefined);
    return 'unknown';
  }

  /** What the history keeps: after a sync has failed, nobody knows what of a refusal is on the disk. */
  outcomeOf({ outcome }: { readonly outcome: Outcome }): Outcome {
    return outcome === 'failed' && this.world.storeFailure !== undefined ? 'unknown' : outcome;
  }

  note(line: string): void {
    this.history.note(this.world.clock.time, `${this.name} ${line}`);
  }

  sleep(ms: number): Promise<void> {
    return this.world.clock.of({ isAlive: true }).sleep(ms);
  }

  /** Lets go of the connection without a word. */
  close(): void {
    this.remoting.closeAddress(brokerAddress);
  }
}
