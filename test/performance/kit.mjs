// The testing kit as a test file meets it: from nothing to an application that listens, and the whole
// ladder of retries, 4 h 46 min of virtual time, to the dead letters.
import 'reflect-metadata';
import { Test } from '@nestjs/testing';
import { RocketMQListener, RocketMQTemplate } from 'nestjs-rocketmq';
import { RocketMQTestKit, RocketMQTestingModule } from '@nestjs-rocketmq/testing';
import { median } from './measure.mjs';

class Failing {
  pay() {
    throw new Error('no money');
  }
}
// Plain JavaScript has no syntax for decorators yet; they are functions.
RocketMQListener({ topic: 'orders', group: 'payments' })(
  Failing.prototype,
  'pay',
  Object.getOwnPropertyDescriptor(Failing.prototype, 'pay'),
);

async function once() {
  const began = performance.now();
  const imports = [RocketMQTestingModule.forTest()];
  const moduleRef = await Test.createTestingModule({ imports, providers: [Failing] }).compile();
  moduleRef.useLogger(false);
  const app = await moduleRef.init();
  const started = performance.now();
  const mq = app.get(RocketMQTestKit);
  await app.get(RocketMQTemplate).send('orders', { id: 1 });
  await mq.deadLetters('payments', { count: 1, within: '5h' });
  const ended = performance.now();
  await app.close();
  return { start: started - began, ladder: ended - started };
}

/** Milliseconds of real time; medians, after one run that loads the code. */
export async function measureKit(rounds) {
  const first = await once();
  const all = [];
  for (let round = 0; round < rounds; round += 1) all.push(await once());
  return {
    Pkit: { ours: median(all.map(({ start }) => start)) },
    PkitFirst: { ours: first.start },
    PkitLadder: { ours: median(all.map(({ ladder }) => ladder)) },
  };
}
