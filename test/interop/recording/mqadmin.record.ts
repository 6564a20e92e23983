import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { prepareJava, startJavaServers } from '../../support/java.js';
import { goldenFolder } from '../golden-frames.js';
import { adminBrokerName, normalised, playAdmin } from '../mqadmin-scenario.js';

beforeAll(() => prepareJava());

it('records what mqadmin 5.3.3 prints about the official servers 5.3.3', async () => {
  await using servers = await startJavaServers('5.3.3', {
    properties: { brokerName: adminBrokerName },
  });
  const place = { nameServers: servers.nameServers, brokerAddress: servers.broker.address };
  const outputs = await playAdmin(place);
  const texts = [...outputs].map(([name, event]) => [
    name,
    normalised(event.out, place).split('\n'),
  ]);
  const path = join(goldenFolder, 'mqadmin-5.3.3.json');
  writeFileSync(path, `${JSON.stringify(Object.fromEntries(texts), undefined, 1)}\n`);
  expect(texts.length).toBeGreaterThan(20);
});
