import { rmSync } from 'node:fs';
import {
  prepareJava,
  startJavaBroker,
  temporaryFolder,
  untilRegistered,
  type RunningProgram,
} from '../support/java.js';
import { startOurBroker, startOurNameserver } from '../support/our-servers.js';
import { RawBroker } from '../support/raw-broker.js';
import { extended, ExtensionStory, type Judgement } from './extension-story.js';
import { extensionVersions } from './golden-store.js';

const properties = {
  brokerName: 'broker-extensions',
  mappedFileSizeCommitLog: 64 * 1024,
  ...extended,
};

let nameserver: { program: RunningProgram; address: string };
const client = RawBroker.clientOf();

beforeAll(async () => {
  prepareJava();
  nameserver = await startOurNameserver();
});

afterAll(async () => {
  await client.close();
  await nameserver?.program.stop();
});

type Side = 'ours' | (typeof extensionVersions)[number];

async function brokerOn(side: Side, storeDir: string) {
  const options = { nameServers: nameserver.address, storeDir, properties };
  if (side !== 'ours') {
    const broker = await startJavaBroker(side, options);
    const end = (how: 'stop' | 'kill') => broker[how]();
    return { story: new ExtensionStory(client, broker.address), end };
  }
  const { address, program } = await startOurBroker(options);
  await untilRegistered(nameserver.address, address);
  return {
    story: new ExtensionStory(client, address),
    end: (how: 'stop' | 'kill') => program[how](),
  };
}

/** Starts a broker on the folder, does something with it, and ends it. */
async function turnOf<T>(
  side: Side,
  storeDir: string,
  how: 'stop' | 'kill',
  act: (story: ExtensionStory) => Promise<T>,
): Promise<T> {
  const { story, end } = await brokerOn(side, storeDir);
  try {
    return await act(story);
  } finally {
    await end(how);
  }
}

describe.each(extensionVersions)('extensions of queues, ours and Java %s in turn', (version) => {
  it('are read by each as the other wrote them, closed or killed', async () => {
    const folder = temporaryFolder('extensions');
    const told: [string, Judgement][] = [];
    const judged = async (story: ExtensionStory, who: string, count: number): Promise<void> => {
      told.push([who, await story.judge(count)]);
    };
    const first = ['ours', version] as const;
    await turnOf(first[0], folder, 'stop', async (story) => {
      await story.begin();
      await story.write(0, 60);
      await judged(story, 'ours', 61);
    });
    await turnOf(version, folder, 'stop', async (story) => {
      await story.announce();
      await judged(story, version, 61);
      await story.write(61, 120);
      await judged(story, version, 121);
    });
    await turnOf('ours', folder, 'kill', async (story) => {
      await story.announce();
      await judged(story, 'ours', 121);
      await story.write(121, 180);
      await judged(story, 'ours', 181);
    });
    await turnOf(version, folder, 'kill', async (story) => {
      await story.announce();
      await judged(story, version, 181);
      await story.write(181, 240);
      await judged(story, version, 241);
    });
    await turnOf('ours', folder, 'stop', async (story) => {
      await story.announce();
      await judged(story, 'ours', 241);
    });
    for (let i = 1; i < told.length; i += 2) {
      expect(told[i]).toEqual([expect.any(String), told[i - 1]?.[1]]);
    }
    const [, last] = told.at(-1) ?? [];
    expect(last?.entries.every((entry) => 'extendDataJson' in entry && 'bitMap' in entry)).toBe(
      true,
    );
    rmSync(folder, { recursive: true, force: true });
  }, 300_000);
});
