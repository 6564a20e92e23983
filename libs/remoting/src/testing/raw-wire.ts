import { silentLogger, systemClock, Turn } from '@nestjs-rocketmq/foundation';
import {
  decodeFrame,
  encodeRequest,
  FrameDecoder,
  SendMessageV2,
  type Asking,
  type Frame,
} from '@nestjs-rocketmq/protocol';
import type { Wire } from '../network.js';
import { RemotingServer } from '../remoting-server.js';
import type { RequestLatencies } from '../request-latencies.js';
import { Router } from '../router.js';
import type { StorageGate, StorageGateListener } from '../storage-gate.js';
import { LoopbackNetwork } from './loopback.js';

/* A server with hot routes and a raw wire to it, for the specs of this library. */

export const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
export const properties =
  'UNIQ_KEY\u0001AC1100010DD018B4AAC200000000\u0002TAGS\u0001a"b\\é\u0002DELAY\u00013\u0002';
export const sendAsked: Asking<typeof SendMessageV2> = {
  producerGroup: 'group',
  topic: 'orders',
  defaultTopic: 'TBW102',
  defaultTopicQueueNums: 4,
  queueId: 2,
  sysFlag: 0,
  bornTimestamp: 1_760_000_000_000,
  flag: 0,
  properties,
};

export function send(opaque: number, form: 'json' | 'binary' = 'json', body = `body ${opaque}`) {
  return encodeRequest(SendMessageV2, sendAsked, { opaque, form, body: Buffer.from(body) });
}

/** What a pull asks for where it does not matter. */
export const pull = {
  consumerGroup: 'g',
  topic: 't',
  queueId: 0,
  queueOffset: 0,
  maxMsgNums: 32,
  sysFlag: 2,
  commitOffset: 0,
  suspendTimeoutMillis: 1,
  subVersion: 0,
};

export class Gate implements StorageGate {
  listener!: StorageGateListener;
  constructor(readonly waits: boolean) {}
  subscribe(listener: StorageGateListener): void {
    this.listener = listener;
  }
}

export async function open(
  router: Router,
  options: {
    gate?: Gate;
    chunkBytes?: number;
    maxWritable?: number;
    latenciesOf?: (turn: Turn) => RequestLatencies;
  } = {},
) {
  const { chunkBytes, gate, maxWritable, latenciesOf } = options;
  const network = new LoopbackNetwork(chunkBytes === undefined ? {} : { chunkBytes });
  const turn = new Turn();
  const server = await RemotingServer.listen({
    host: '127.0.0.1',
    port: 0,
    router,
    turn,
    network,
    gate,
    clock: systemClock,
    logger: silentLogger,
    limits: { maxWritable },
    latencies: latenciesOf?.(turn),
  });
  const wire = await network.connect({
    host: '127.0.0.1',
    port: server.address.port,
    timeoutMs: 1,
  });
  const answers: Frame[] = [];
  const decoder = new FrameDecoder();
  let chunks = 0;
  let closed = false;
  wire.onData((chunk) => {
    chunks += 1;
    decoder.push(chunk, (frame) => answers.push(decodeFrame(frame.slice())));
  });
  wire.onClose(() => (closed = true));
  return {
    server,
    wire,
    answers,
    turn,
    get chunks() {
      return chunks;
    },
    get closed() {
      return closed;
    },
    [Symbol.asyncDispose]: () => server.close(),
  };
}

export async function turns(count = 20): Promise<void> {
  for (let i = 0; i < count; i += 1) await new Promise((resolve) => setImmediate(resolve));
}

export async function until(condition: () => boolean, wire?: Wire): Promise<void> {
  for (let i = 0; i < 100_000 && !condition(); i += 1) await turns(1);
  if (!condition()) throw new Error(`never happened (${wire?.remoteAddress ?? ''})`);
}

export function storing(): Router {
  let position = 0;
  const router = new Router().storeAt(Uint8Array.of(10, 0, 0, 1), 10911);
  return router.hotRoute(SendMessageV2, (asked, reply) => {
    reply.answer.msgId = position;
    reply.answer.queueId = asked.queueId;
    reply.answer.queueOffset = position++;
    reply.answer.transactionId = asked.properties.uniqueKey;
    reply.answer.regionId = 'DefaultRegion';
    reply.successWhenStored();
  });
}

/** The same frame with another text as its JSON header. */
export function reworded(frame: Uint8Array, change: (json: string) => string): Buffer {
  const whole = Buffer.from(frame);
  const headerEnd = 8 + (whole.readInt32BE(4) & 0xffffff);
  const before = whole.toString('utf8', 8, headerEnd);
  const json = change(before);
  if (json === before) throw new Error('nothing was changed');
  const header = Buffer.from(json);
  const words = Buffer.alloc(8);
  words.writeInt32BE(4 + header.length + whole.length - headerEnd, 0);
  words.writeInt32BE(header.length, 4);
  return Buffer.concat([words, header, whole.subarray(headerEnd)]);
}
