// npm run test:overload:sends [-- --sends 10000]: so many sends at once against a broker that is slow, or does
// not even read for a while. None may fail, no more than `maxInFlight` may be under way, and the memory of the
// client must stay within bounds. Ends with `N passed, N failed`.
import { fork } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Producer } from '@nestjs-rocketmq/client';

const here = dirname(fileURLToPath(import.meta.url));
const at = process.argv.indexOf('--sends');
const crowd = at > 0 ? Number(process.argv[at + 1]) : 10_000;
const inFlight = 512;
const inFlightBytes = 64 * 1024 * 1024;
/** A send that waits for its turn: a promise or two and the options of its caller. */
const bytesPerSend = 4_096;

/** Bytes that the garbage collector and the streams hold, without garbage. */
function held() {
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const megabytes = (bytes) => Math.round(bytes / 1024 / 1024);

async function run(name, { sends = crowd, size, perTenth, isDeaf }) {
  const broker = fork(join(here, 'slow-broker.mjs'), [String(perTenth)]);
  const said = () => new Promise((resolve) => broker.once('message', resolve));
  const { address } = await said();
  const producer = new Producer({
    nameServers: address,
    group: 'crowd',
    sendTimeout: '30s',
    compressBodyOver: 1024 * 1024,
    maxInFlight: inFlight,
    maxInFlightBytes: inFlightBytes,
  });
  await producer.start();
  const body = Buffer.alloc(size, 'x');
  await producer.send({ topic: 'crowd', body });
  const base = held();
  let failed = 0;
  let done = 0;
  const all = Array.from({ length: sends }, () =>
    producer.send({ topic: 'crowd', body }).then(
      () => (done += 1),
      (error) => {
        failed += 1;
        if (failed === 1) console.log(error);
      },
    ),
  );
  if (isDeaf) broker.send('deaf');
  let mostUnderWay = 0;
  let mostBytes = 0;
  const looking = setInterval(() => {
    mostUnderWay = Math.max(mostUnderWay, producer.inFlightCount.running);
    mostBytes = Math.max(mostBytes, held() - base);
  }, 100);
  const began = Date.now();
  await Promise.all(all);
  clearInterval(looking);
  const seconds = (Date.now() - began) / 1000;
  broker.send('count');
  const { count } = await said();
  await producer.close();
  broker.disconnect();
  // Bodies under way stand in the output of the connection once, and once more while it grows.
  const bound = sends * bytesPerSend + 2 * Math.min(inFlightBytes, inFlight * (size + 1_024));
  const isGood = failed === 0 && done === sends && count === sends + 1;
  const isBounded = mostBytes <= bound && mostUnderWay <= inFlight;
  console.log(
    `${isGood && isBounded ? 'ok' : 'FAILED'}: ${sends} sends of ${size} bytes at once, ${name}: ` +
      `${failed} failed, ${count - 1} came, at most ${mostUnderWay} under way, at most ` +
      `${megabytes(mostBytes)} MB held (bound ${megabytes(bound)} MB), ${seconds.toFixed(1)} s`,
  );
  return isGood && isBounded;
}

const results = [
  await run('a broker that takes 1,280 a second', { size: 1_024, perTenth: 128, isDeaf: false }),
  await run('a broker that stands still for 2 s', { size: 1_024, perTenth: 512, isDeaf: true }),
  await run('the same with large bodies', {
    sends: Math.ceil(crowd / 10),
    size: 160 * 1024,
    perTenth: 128,
    isDeaf: true,
  }),
];
const passed = results.filter(Boolean).length;
console.log(`${passed} passed, ${results.length - passed} failed`);
process.exit(passed === results.length ? 0 : 1);
