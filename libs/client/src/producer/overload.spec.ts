import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import { LoopbackNetwork } from '@nestjs-rocketmq/remoting/testing';
import { ScriptedCluster, type SendOutcome } from '../testing/scripted-cluster.js';
import { Producer } from './producer.js';
import type { ProducerOptions } from './producer-options.js';

describe('a producer that is asked for more than its broker takes', () => {
  let clock: ManualClock;
  let network: LoopbackNetwork;
  let cluster: ScriptedCluster;
  let producer: Producer;

  const start = async (options: Partial<ProducerOptions>): Promise<void> => {
    const nameServers = cluster.nameServer;
    producer = new Producer({ nameServers, group: 'g', clock, network, ...options });
    await producer.start();
  };

  beforeEach(async () => {
    clock = new ManualClock();
    network = new LoopbackNetwork();
    cluster = await ScriptedCluster.start(network, clock);
    cluster.addTopic('TBW102', 4);
    cluster.addTopic('t', 4);
  });

  afterEach(async () => {
    await producer.close({ deadline: 0 });
    await cluster.close();
  });

  it('has no more sends under way than it may, lets all others wait, and fails none', async () => {
    await start({ maxInFlight: 32 });
    let most = 0;
    const held: ((outcome: SendOutcome) => void)[] = [];
    cluster.onSend = () => {
      const answer = new Promise<SendOutcome>((resolve) => held.push(resolve));
      most = Math.max(most, held.length);
      return answer;
    };
    const body = new Uint8Array(64);
    let done = 0;
    const all = Array.from({ length: 500 }, () =>
      producer.send({ topic: 't', body }).then(() => void (done += 1)),
    );
    // Each round the broker needs two seconds, so the last send is let in after half a minute.
    while (done < all.length) {
      await clock.advance(2_000);
      for (const answer of held.splice(0)) answer({});
      await clock.advance(0);
    }
    await Promise.all(all);
    expect([most, producer.inFlightCount]).toEqual([32, { running: 0, waiting: 0 }]);
  });
});
