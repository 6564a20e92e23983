// node slow-broker.mjs PER_TENTH: a name server and broker in one, which stores nothing and answers at most so
// many sends in a tenth of a second. Tells its address to its parent, which may say 'deaf' (it reads nothing
// for two seconds) and asks 'count' for the number of sends that came.
import { silentLogger, systemClock, Turn } from '@nestjs-rocketmq/foundation';
import {
  GetRouteinfoByTopic,
  HeartBeat,
  SendMessageV2,
  UnregisterClient,
} from '@nestjs-rocketmq/protocol';
import { nodeNetwork, RemotingServer, Router } from '@nestjs-rocketmq/remoting';

const perTenth = Number(process.argv[2]);
const waiting = [];
let count = 0;
let isDeaf = false;
let address = '';

setInterval(() => {
  if (isDeaf) return;
  for (const answer of waiting.splice(0, perTenth)) answer();
}, 100);

const route = () => ({
  brokerDatas: [
    { brokerName: 'slow', cluster: 'c', brokerAddrs: { 0: address }, enableActingMaster: false },
  ],
  queueDatas: [
    { brokerName: 'slow', perm: 6, readQueueNums: 8, writeQueueNums: 8, topicSysFlag: 0 },
  ],
  filterServerTable: {},
});
const router = new Router()
  .route(GetRouteinfoByTopic, () => ({ body: route() }))
  .route(HeartBeat, () => undefined)
  .route(UnregisterClient, () => undefined)
  .route(SendMessageV2, async ({ queueId }) => {
    const queueOffset = (count += 1);
    await new Promise((resolve) => waiting.push(resolve));
    return { header: { msgId: '7F000001000000000000000000000100', queueId, queueOffset } };
  });
const server = await RemotingServer.listen({
  host: '127.0.0.1',
  port: 0,
  router,
  turn: new Turn(),
  network: nodeNetwork,
  clock: systemClock,
  logger: silentLogger,
});
address = `127.0.0.1:${server.address.port}`;
process.on('disconnect', () => process.exit());
process.on('message', (what) => {
  if (what === 'count') return process.send({ count });
  // The whole process stands still: nothing is read and nothing answered.
  if (what === 'deaf') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_000);
});
process.send({ address });
