import { rmSync, writeFileSync } from 'node:fs';
import {
  prepareJava,
  startJavaBroker,
  startJavaNameserver,
  temporaryFolder,
} from '../../support/java.js';
import { RawBroker } from '../../support/raw-broker.js';
import { extended, ExtensionStory } from '../extension-story.js';
import { extensionVersions, goldenExtensionPath, type GoldenExtension } from '../golden-store.js';
import { storeFiles } from './store-files.js';

const properties = {
  mappedFileSizeCommitLog: 64 * 1024,
  maxIndexNum: 400,
  maxHashSlotNum: 100,
  ...extended,
};
const count = 80;

beforeAll(() => prepareJava());

describe('golden extension files', () => {
  it.each(extensionVersions)('records those of %s', async (version) => {
    const storeDir = temporaryFolder('golden-extension');
    const nameserver = await startJavaNameserver(version);
    const nameServers = nameserver.address;
    const broker = await startJavaBroker(version, { nameServers, storeDir, properties });
    const client = RawBroker.clientOf();
    const story = new ExtensionStory(client, broker.address);
    await story.begin();
    await story.write(0, count - 1);
    const judgement = await story.judge(count);
    await client.close();
    await broker.stop();
    await nameserver.stop();
    const files = storeFiles(storeDir);
    rmSync(storeDir, { recursive: true, force: true });
    const golden: GoldenExtension = { version, properties, files, count, judgement };
    writeFileSync(goldenExtensionPath(version), `${JSON.stringify(golden, undefined, 1)}\n`);
  });
});
