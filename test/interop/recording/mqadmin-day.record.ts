import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { prepareJava, startJavaServers } from '../../support/java.js';
import { goldenFolder } from '../golden-frames.js';
import { adminSettings, adminVersions, normalised, playAdmin } from '../mqadmin/scenario.js';

beforeAll(() => prepareJava());

it.each(adminVersions)(
  'records what mqadmin %s prints about official servers of its version',
  async (version) => {
    await using servers = await startJavaServers(version, {
      properties: adminSettings,
    });
    const place = { nameServers: servers.nameServers, brokerAddress: servers.broker.address };
    const outputs = await playAdmin(version, place);
    const texts = [...outputs].map(([name, event]) => [name, normalised(event, place)]);
    const path = join(goldenFolder, `mqadmin-day-${version}.json`);
    writeFileSync(path, `${JSON.stringify(Object.fromEntries(texts), undefined, 1)}\n`);
    expect(texts.length).toBeGreaterThan(90);
  },
);
