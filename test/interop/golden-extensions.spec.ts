import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nodeFileSystem, silentLogger, systemClock, Turn } from '@nestjs-rocketmq/foundation';
import { inspectStore, MessageStore, storeOptions } from '@nestjs-rocketmq/store';
import { temporaryFolder } from '../support/java.js';
import { RawBroker } from '../support/raw-broker.js';
import { ExtensionStory } from './extension-story.js';
import {
  extensionVersions,
  type GoldenExtension,
  goldenExtensionPath,
  unpackGoldenStore,
} from './golden-store.js';

const storeKeys = Object.keys(storeOptions.table);

describe.each(extensionVersions)('the extension files of Java %s', (version) => {
  const text = readFileSync(goldenExtensionPath(version), 'utf8');
  const golden = JSON.parse(text) as GoldenExtension;
  const { properties, count, judgement } = golden;
  let folder: string;

  beforeEach(() => {
    folder = temporaryFolder('golden-extension');
    unpackGoldenStore(golden, folder);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const brokerOn = (dir: string, more = {}): Promise<RawBroker> =>
    RawBroker.start({ ...properties, ...more }, { dir });
  const judge = async (raw: RawBroker) => {
    const story = new ExtensionStory(raw.client, raw.address);
    await story.announce();
    return story.judge(count);
  };
  const filesOf = (paths: readonly string[]) =>
    paths.map((path) => {
      const file = join(folder, path);
      return [path, existsSync(file) ? readFileSync(file).toString('hex') : 'absent'];
    });
  const rebuilt = golden.files
    .map(({ path }) => path)
    .filter((path) => path.startsWith('consumequeue'));

  it('say to us what they said to it', async () => {
    await using raw = await brokerOn(folder);
    expect(await judge(raw)).toEqual(judgement);
  });

  it('are made again from the log and its filters, the same byte for byte', async () => {
    const before = filesOf(rebuilt);
    rmSync(join(folder, 'consumequeue'), { recursive: true });
    rmSync(join(folder, 'consumequeue_ext'), { recursive: true });
    writeFileSync(join(folder, 'abort'), '');
    await using raw = await brokerOn(folder);
    await raw.close();
    expect(filesOf(rebuilt)).toEqual(before);
    expect(rebuilt.filter((path) => path.startsWith('consumequeue_ext')).length).toBeGreaterThan(3);
  });

  it.each(['lost', 'switched off'])('are not needed for a message: %s', async (how) => {
    if (how === 'lost') rmSync(join(folder, 'consumequeue_ext'), { recursive: true });
    await using raw = await brokerOn(folder, { enableConsumeQueueExt: how === 'lost' });
    const { pulled } = await judge(raw);
    const { tagged: known = [], ...filtered } = judgement.pulled;
    const { tagged = [], ...rest } = pulled;
    expect(rest).toEqual(filtered);
    // Consumers look at the tags themselves.
    expect(tagged.filter((body) => known.includes(body))).toEqual(known);
  });

  it('are shown by inspect-store', async () => {
    const lines: string[] = [];
    const known = Object.entries(properties).filter(([name]) => storeKeys.includes(name));
    await inspectStore({
      directory: folder,
      fileSystem: nodeFileSystem,
      clock: systemClock,
      options: storeOptions.load(Object.fromEntries(known)),
      print: (line) => lines.push(line),
    });
    const shown = new RegExp(
      `^ {2}Extended/0: ${count} units from 0 to \\d+, ${count} with a bit map`,
    );
    expect(lines).toContainEqual(expect.stringMatching(shown));
  });

  it('are gone on with where it ended', async () => {
    const open = () =>
      MessageStore.open({
        directory: folder,
        options: Object.fromEntries(
          Object.entries(properties).filter(([name]) => storeKeys.includes(name)),
        ),
        fileSystem: nodeFileSystem,
        clock: systemClock,
        logger: silentLogger,
        turn: new Turn(),
      });
    const before = filesOf(rebuilt);
    const store = await open();
    expect(store.queue('Extended', 0).extension?.end).toBeGreaterThan(count * 34);
    await store.close();
    expect(filesOf(rebuilt)).toEqual(before);
  });
});
