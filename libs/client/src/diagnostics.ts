import { channel, tracingChannel } from 'node:diagnostics_channel';
import type { MessageQueue, OutgoingMessage } from '@nestjs-rocketmq/message';
import type { Network } from '@nestjs-rocketmq/remoting';
import type { SendResult } from './producer/send-result.js';

/**
 * Names of the channels for `node:diagnostics_channel`. All but `rebalance` are those of a
 * `tracingChannel`: `start` and `asyncEnd` of one operation, and `error`, get the same event object.
 * Nothing is made for them while nobody subscribes.
 */
export const clientChannels = {
  connect: 'nestjs-rocketmq:client:connect',
  send: 'nestjs-rocketmq:client:send',
  pull: 'nestjs-rocketmq:client:pull',
  consume: 'nestjs-rocketmq:client:consume',
  rebalance: 'nestjs-rocketmq:client:rebalance',
} as const;

/** What an event learns when its operation has ended. */
export interface EndOfOperation<T> {
  result?: T;
  error?: unknown;
}

/** A connection to a name server or broker is made. */
export interface ConnectEvent extends EndOfOperation<unknown> {
  readonly clientId: string;
  readonly host: string;
  readonly port: number;
}

/** A message, or a batch, is sent: all attempts together. One-way sends have no result. */
export interface SendEvent extends EndOfOperation<SendResult> {
  readonly clientId: string;
  readonly group: string;
  readonly topic: string;
  /** The unique key; of a batch all keys joined by `,`. */
  readonly msgId: string;
  /** Bytes of the body as sent. */
  readonly bodyLength: number;
  readonly isOneWay: boolean;
  /** What the caller gave; undefined for what the client itself sends, such as traces. */
  readonly message: OutgoingMessage | readonly OutgoingMessage[] | undefined;
}

/** What a broker answered to a pull. */
export interface PullEventResult {
  /** Apache's response code: 0 found, 19 nothing new, 20 nothing matches, 21 offset moved. */
  readonly code: number;
  readonly header: {
    readonly nextBeginOffset: number;
    readonly minOffset: number;
    readonly maxOffset: number;
  };
  /** Records of messages, one after the other. */
  readonly body: Uint8Array;
}

/** A queue is pulled; a broker may hold the pull for long. */
export interface PullEvent extends EndOfOperation<PullEventResult> {
  readonly group: string;
  /** `host:port` of the broker. */
  readonly address: string;
  readonly topic: string;
  readonly queueId: number;
  readonly offset: number;
  /** Messages asked for at most. */
  readonly max: number;
}

/** The share of a consumer changed. */
export interface RebalanceEvent {
  readonly clientId: string;
  readonly group: string;
  readonly topic: string;
  /** The queues that are this consumer's by the allocation strategy. */
  readonly mine: readonly MessageQueue[];
  /** How many were taken, and left, this time. */
  readonly taken: number;
  readonly left: number;
}

export const connects = tracingChannel<object, ConnectEvent>(clientChannels.connect);
export const sends = tracingChannel<object, SendEvent>(clientChannels.send);
export const pulls = tracingChannel<object, PullEvent>(clientChannels.pull);
export const rebalances = channel(clientChannels.rebalance);

/** The same network, whose connections are told of. */
export function watchedNetwork(network: Network, clientId: string): Network {
  return {
    connect: (target) => {
      if (!connects.hasSubscribers) return network.connect(target);
      const { host, port } = target;
      return connects.tracePromise(() => network.connect(target), { clientId, host, port });
    },
    listen: (address, onWire) => network.listen(address, onWire),
  };
}
