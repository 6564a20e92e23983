import { rmSync } from 'node:fs';
import {
  prepareJava,
  startJavaServers,
  temporaryFolder,
  type JavaServers,
  type ServerVersion,
} from '../support/java.js';
import { startOurServers } from '../support/our-servers.js';
import { listBrokerProperties, promptOpMessages, sendAndConsume } from './client-list.js';
import { retryAndStop } from './client-list-retry.js';
import { transactions } from './client-list-transactions.js';
import { OurPeer } from './our-peer.js';

const servers: ReadonlyArray<readonly [ServerVersion | 'ours', 'all' | 'send and consume']> = [
  ['4.9.7', 'all'],
  ['5.3.3', 'all'],
  ['5.5.0', 'send and consume'],
  // The same list within our own house: a difference then lies with one side.
  ['ours', 'all'],
];
const only = process.env['INTEROP_SERVER'];

beforeAll(() => prepareJava());

describe.each(servers.filter(([version]) => only === undefined || only === version))(
  'our client against the servers %s',
  (version, extent) => {
    let running: { nameServers: string; brokerAddress: string; close(): Promise<void> };
    let peer: OurPeer;
    const folder = temporaryFolder('our-peer');

    beforeAll(async () => {
      running = version === 'ours' ? await ours() : await official(version);
    });

    afterAll(async () => {
      await running?.close();
      rmSync(folder, { recursive: true, force: true });
    });

    for (const form of extent === 'all' ? (['json', 'binary'] as const) : (['json'] as const)) {
      describe(`speaking ${form}`, () => {
        beforeAll(async () => {
          peer = new OurPeer({ broker: running.brokerAddress, headerForm: form, folder });
          await peer.run('producer', { id: 'p', ns: running.nameServers, group: 'g-producer' });
        });

        afterAll(() => peer?.close());

        const place = {
          get ns() {
            return running.nameServers;
          },
          client: () => peer,
          suffix: `ours-${form}`,
        };
        sendAndConsume(place);
        if (extent === 'all') {
          // Retries wait for real seconds; one form is enough for them.
          if (form === 'json') retryAndStop(place);
          transactions(place);
        }
      });
    }
  },
);

async function official(version: ServerVersion) {
  const servers: JavaServers = await startJavaServers(version, {
    properties: { ...listBrokerProperties, ...(version === '4.9.7' ? {} : promptOpMessages) },
  });
  return { ...servers, brokerAddress: servers.broker.address };
}

function ours() {
  return startOurServers({ properties: listBrokerProperties });
}
