import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { jest } from '@jest/globals';
import type { Producer } from '@nestjs-rocketmq/client';
import { CertificateAuthority } from '@nestjs-rocketmq/remoting/testing';
import { ClientCluster } from '../support/client-cluster.js';
import { eventually } from '../support/eventually.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const pages = [
  'libs/client/README.md',
  'docs/coming-from-the-java-client.md',
  'docs/coming-from-the-official-node-client.md',
];
const deadline = 60_000;

interface Example {
  readonly title: string;
  readonly code: string;
}

/** The code blocks of a page, each named by the heading above it. */
function examplesOf(page: string): Example[] {
  const text = readFileSync(join(root, page), 'utf8');
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map((found, index) => {
    const above = text.slice(0, found.index).match(/^#+ .*$/gm) ?? [];
    const heading = above.at(-1)?.replace(/^#+ /, '') ?? page;
    return { title: `${page}, ${index + 1}: ${heading}`, code: found[1] as string };
  });
}

describe('the examples of the pages about the client run', () => {
  const folder = join(root, '.cache', `run-${process.pid}`);
  let cluster: ClientCluster;
  let stood: Producer;

  beforeAll(async () => {
    jest.spyOn(console, 'log').mockImplementation(() => undefined);
    mkdirSync(folder, { recursive: true });
    const authority = new CertificateAuthority();
    const { cert, key } = authority.issue('client');
    writeFileSync(join(folder, 'ca.pem'), authority.cert);
    writeFileSync(join(folder, 'client.pem'), cert);
    writeFileSync(join(folder, 'client.key'), key);
    cluster = await ClientCluster.start({ traceTopicEnable: true });
    stood = await cluster.producer();
    for (const topic of ['orders', 'questions', 'refunds']) {
      await stood.send({ topic, body: Buffer.from('{}'), tags: 'placed', keys: 'order-1' });
      await eventually(`the route of ${topic}`, deadline, () =>
        stood.admin.fetchMessageQueues(topic).catch(() => undefined),
      );
    }
    Object.assign(globalThis, {
      messages: ['1', '2'].map((text) => ({ topic: 'orders', body: Buffer.from(text) })),
      database: { placeOrder: async () => undefined, hasOrderOf: async () => true },
      vault: { accessKey: 'orders', secretKey: 'a-long-secret', securityToken: 'token' },
      // Our broker has no timers yet: what is to be delivered later is sent at once.
      producer: {
        send: ({ deliverAt, ...message }: Parameters<Producer['send']>[0]) => {
          expect(deliverAt).toBeInstanceOf(Date);
          return stood.send(message);
        },
      },
    });
  });

  afterAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    await cluster?.[Symbol.asyncDispose]();
    jest.restoreAllMocks();
  });

  const examples = pages.flatMap(examplesOf);

  it('there are some of each page', () => {
    for (const page of pages) {
      expect(examples.some(({ title }) => title.startsWith(page))).toBe(true);
    }
  });

  it.each(examples.map((one, index) => ({ ...one, index })))('$title', async ({ code, index }) => {
    const file = join(folder, `example-${index}.ts`);
    const own = code
      .replaceAll('localhost:9876', cluster.nameServers)
      .replaceAll('/etc/rocketmq', folder)
      // What the reader has is given above.
      .replaceAll(/^declare const (?:[^{;]*;|[\s\S]*?^\};)\n/gm, '');
    writeFileSync(file, own);
    await import(pathToFileURL(file).href);
  });
});
