import { type RunningBroker, startBroker } from '@nestjs-rocketmq/broker';
import { silentLogger } from '@nestjs-rocketmq/foundation';
import {
  decodeFrame,
  encodeRequest,
  type Frame,
  FrameDecoder,
  PullMessage,
  PullSysFlag,
  ResponseCode,
  SendMessageV2,
} from '@nestjs-rocketmq/protocol';
import { type LoopbackWire, LoopbackNetwork } from '@nestjs-rocketmq/remoting/testing';
import { temporaryFolder } from '../support/raw-broker.js';

const topic = 'BenchmarkTest';

function send(queueId: number, body: Uint8Array): Uint8Array {
  const asked = {
    producerGroup: 'producers',
    topic,
    defaultTopic: 'TBW102',
    defaultTopicQueueNums: 4,
    queueId,
    sysFlag: 0,
    bornTimestamp: 1_760_000_000_000,
    flag: 0,
  };
  return encodeRequest(SendMessageV2, asked, { opaque: 1, body });
}

function pull(opaque: number, queueId: number, waitMillis: number): Uint8Array {
  const asked = {
    consumerGroup: 'consumers',
    topic,
    queueId,
    queueOffset: 0,
    maxMsgNums: 32,
    sysFlag: PullSysFlag.subscription | (waitMillis > 0 ? PullSysFlag.suspend : 0),
    commitOffset: 0,
    suspendTimeoutMillis: waitMillis,
    subscription: '*',
    subVersion: 0,
  };
  return encodeRequest(PullMessage, asked, { opaque });
}

/** A wire to the broker, in this process: nothing is hidden in buffers of the system. */
async function connect(network: LoopbackNetwork, port: number) {
  const wire = (await network.connect({ host: '127.0.0.1', port, timeoutMs: 1 })) as LoopbackWire;
  const answers: Frame[] = [];
  const decoder = new FrameDecoder();
  wire.onData((chunk) => {
    decoder.push(chunk, (frame) => answers.push(decodeFrame(frame.slice())));
  });
  return { wire, answers };
}

/** Lets the broker work on what was written. */
async function turns(isOver: () => boolean): Promise<void> {
  for (let i = 0; i < 100_000 && !isOver(); i += 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(isOver()).toBe(true);
}

describe('a broker under load', () => {
  const folder = temporaryFolder();
  const network = new LoopbackNetwork();
  let broker: RunningBroker;

  beforeAll(async () => {
    broker = await startBroker({
      logger: silentLogger,
      network,
      dir: folder.path,
      properties: {
        listenPort: 10_911,
        bindAddress: '127.0.0.1',
        brokerIP1: '127.0.0.1',
        brokerFastFailureEnable: false,
        mappedFileSizeCommitLog: 64 * 1024 * 1024,
      },
    });
  });

  afterAll(async () => {
    await broker.close();
    folder.remove();
  });

  it('gives no messages to a held pull whose connection does not take its answers', async () => {
    const writer = await connect(network, broker.port);
    for (let i = 0; i < 32; i += 1) writer.wire.write(send(1, new Uint8Array(100_000)));
    await turns(() => writer.answers.length === 32);
    const deaf = await connect(network, broker.port);
    deaf.wire.write(pull(0, 0, 60_000));
    deaf.wire.pause();
    const pulls = 60;
    for (let opaque = 1; opaque <= pulls; opaque += 1) deaf.wire.write(pull(opaque, 1, 0));
    await turns(() => deaf.wire.other.writableLength > 4 * 1024 * 1024);
    writer.wire.write(send(0, Buffer.from('news')));
    await turns(() => writer.answers.length === 33);
    expect(deaf.wire.other.writableLength).toBeLessThan(8 * 1024 * 1024);
    deaf.wire.resume();
    await turns(() => deaf.answers.length === pulls + 1);
    const held = deaf.answers.find(({ opaque }) => opaque === 0);
    expect(held?.code).toBe(ResponseCode.PULL_RETRY_IMMEDIATELY);
    expect(held?.extFields['nextBeginOffset']).toBe('0');
    const others = deaf.answers.filter(({ opaque }) => opaque > 0);
    expect(others.map(({ opaque }) => opaque)).toEqual(
      Array.from({ length: pulls }, (_, i) => i + 1),
    );
    expect(new Set(others.map(({ code }) => code))).toEqual(new Set([ResponseCode.SUCCESS]));
  });
});
