import { rmSync } from 'node:fs';
import {
  JavaPeer,
  prepareJava,
  startJavaBroker,
  temporaryFolder,
  untilRegistered,
  type RunningProgram,
  type ServerVersion,
} from '../support/java.js';
import { eventually } from '../support/eventually.js';
import { startOurBroker, startOurNameserver } from '../support/our-servers.js';

const topic = 'Indexed';
const properties = {
  brokerName: 'broker-index',
  mappedFileSizeCommitLog: 64 * 1024,
  // Java fixes the sizes of an index file by the same options.
  maxHashSlotNum: 1000,
  maxIndexNum: 200,
};

let nameserver: { program: RunningProgram; address: string };
let client: JavaPeer;

beforeAll(async () => {
  prepareJava();
  nameserver = await startOurNameserver();
  client = await JavaPeer.start('5.3.3');
});

afterAll(async () => {
  await client?.close();
  await nameserver?.program.stop();
});

type End = 'closed' | 'killed';
interface Broker {
  end(how: End): Promise<void>;
}
type Maker = (storeDir: string) => Promise<Broker>;

const ours: Maker = async (storeDir) => {
  const broker = await startOurBroker({ nameServers: nameserver.address, storeDir, properties });
  await untilRegistered(nameserver.address, broker.address);
  return {
    end: (how) => (how === 'closed' ? broker.program.stop() : broker.program.kill()),
  };
};

const javas =
  (version: ServerVersion): Maker =>
  async (storeDir) => {
    const nameServers = nameserver.address;
    const broker = await startJavaBroker(version, { nameServers, storeDir, properties });
    return { end: (how) => (how === 'closed' ? broker.stop() : broker.kill()) };
  };

/** Sends messages with a key of their own and answers key and unique key of each. */
async function write(round: string): Promise<{ key: string; unique: string }[]> {
  const ns = nameserver.address;
  const id = `p-${round}`;
  await client.run('producer', { id, ns, group: 'index-producer' });
  const sent = [];
  for (let n = 0; n < 12; n += 1) {
    const key = `key-${round}-${n}`;
    const words = { id, topic, body: `body of ${key}`, keys: `${key} all-${round}`, size: 3000 };
    const [one] = await client.send('send', words);
    sent.push({ key, unique: one?.msgId ?? '' });
  }
  await client.run('stop', { id });
  return sent;
}

async function expectFound(sent: readonly { key: string; unique: string }[]): Promise<void> {
  const ns = nameserver.address;
  for (const { key, unique } of [sent[0], sent[11]].filter((one) => one !== undefined)) {
    // The second asks as queryMsgByUniqueKey does, which works only once in a process.
    for (const question of [
      ['queryMsgByKey', '-k', key],
      ['queryMsgById', '-i', unique],
    ]) {
      await eventually(`${question.join(' ')} finds ${unique}`, 60_000, async () => {
        const { out } = await client.admin([...question, '-n', ns, '-t', topic]);
        return out.includes(unique) ? true : undefined;
      });
    }
  }
}

/** One side writes, ends, and the other finds everything; and so on. */
async function alternate(makers: readonly Maker[], ends: readonly End[]): Promise<void> {
  const storeDir = temporaryFolder('index');
  const rounds: { key: string; unique: string }[][] = [];
  try {
    for (const [i, make] of makers.entries()) {
      const broker = await make(storeDir);
      try {
        for (const sent of rounds) await expectFound(sent);
        rounds.push(await write(`${i}-${ends[i]}`));
        await expectFound(rounds.at(-1) ?? []);
      } finally {
        await broker.end(ends[i] ?? 'closed');
      }
    }
  } finally {
    rmSync(storeDir, { recursive: true, force: true });
  }
}

describe('the key index', () => {
  it('is read and continued by Java and by us, after good closes', async () => {
    const makers = [ours, javas('5.3.3'), ours, javas('4.9.7')];
    await alternate(makers, ['closed', 'closed', 'closed', 'closed']);
  });

  it('is read and continued by Java and by us, after kills', async () => {
    const makers = [ours, javas('4.9.7'), ours, javas('5.3.3')];
    await alternate(makers, ['killed', 'killed', 'killed', 'closed']);
  });
});
