import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { requestFields } from '@nestjs-rocketmq/access';
import {
  LitePullConsumer,
  Producer,
  PullConsumer,
  PushConsumer,
  TransactionalProducer,
} from '@nestjs-rocketmq/client';
import { silentLogger, systemClock } from '@nestjs-rocketmq/foundation';
import { GetAllTopicConfig, QueryMessage, type HeaderForm } from '@nestjs-rocketmq/protocol';
import { RemotingClient } from '@nestjs-rocketmq/remoting';
import { eventually } from '../support/eventually.js';
import {
  prepareJava,
  startJavaServers,
  temporaryFolder,
  type JavaServers,
} from '../support/java.js';

/** Our signatures before official brokers that check them. */
const deadline = 60_000;
const right = { accessKey: 'shopadmin', secretKey: 'shop-secret-1' };
const user = JSON.stringify({ username: right.accessKey, password: right.secretKey });

const plainAcl = `
accounts:
  - accessKey: ${right.accessKey}
    secretKey: ${right.secretKey}
    admin: true
  - accessKey: shopreader
    secretKey: reader-secret
    admin: false
    defaultTopicPerm: DENY
    defaultGroupPerm: DENY
`;

const auth = 'org.apache.rocketmq.auth';
/** ACL 2.0 with a super user. */
const acl2 = {
  authenticationEnabled: true,
  authorizationEnabled: true,
  authenticationProvider: `${auth}.authentication.provider.DefaultAuthenticationProvider`,
  authenticationMetadataProvider: `${auth}.authentication.provider.LocalAuthenticationMetadataProvider`,
  authorizationProvider: `${auth}.authorization.provider.DefaultAuthorizationProvider`,
  authorizationMetadataProvider: `${auth}.authorization.provider.LocalAuthorizationMetadataProvider`,
  initAuthenticationUser: user,
  innerClientAuthenticationCredentials: JSON.stringify(right),
};

beforeAll(() => prepareJava());

describe.each([
  ['4.9.7', { aclEnable: true }],
  ['5.3.3', acl2],
  ['5.5.0', acl2],
] as const)('access control of the broker %s', (version, access) => {
  let servers: JavaServers;
  const home = temporaryFolder('access');

  beforeAll(async () => {
    mkdirSync(join(home, 'conf'), { recursive: true });
    writeFileSync(join(home, 'conf', 'plain_acl.yml'), plainAcl);
    const properties = { ...access, autoCreateSubscriptionGroup: true };
    servers = await startJavaServers(version, { home, properties });
  });

  afterAll(async () => {
    await servers?.close();
    rmSync(home, { recursive: true, force: true });
  });

  const common = (headerForm: HeaderForm = 'json') => ({
    nameServers: servers.nameServers,
    pollNameServerInterval: 1_000,
    headerForm,
    credentials: right,
  });

  describe.each(['json', 'binary'] as const)('with the right key, headers in %s', (form) => {
    const topic = `Access_${form}`;
    const bodies = Array.from({ length: 30 }, (_, i) => `m${i}`);

    it('lets in sends, one-way sends, batches and transactions, and what consumers ask', async () => {
      await using producer = new Producer({ ...common(form), group: `p-${form}` });
      await producer.start();
      // More than it takes until the requests are written by compiled code.
      for (const body of bodies) {
        await producer.send({ topic, body: Buffer.from(body), tags: 'tag"é', keys: [body] });
      }
      await producer.sendBatch(['b0', 'b1'].map((body) => ({ topic, body: Buffer.from(body) })));
      await producer.sendOneWay({ topic, body: Buffer.from('o') });
      await using bank = new TransactionalProducer({ ...common(form), group: `t-${form}` });
      await bank.start();
      const half = { topic, body: Buffer.from('t') };
      const listener = { execute: async () => 'COMMIT' as const };
      await bank.sendInTransaction(half, undefined, { listener });

      const wanted = [...bodies, 'b0', 'b1', 'o', 't'].sort();
      const seen = new Set<string>();
      await using pushed = new PushConsumer({
        ...common(form),
        group: `c-${form}`,
        from: 'first',
        subscriptions: [{ topic }],
        listener: ([message]) => {
          if (message !== undefined) seen.add(Buffer.from(message.body).toString());
          return { kind: 'success' };
        },
      });
      await pushed.start();
      await eventually('all messages', deadline, () => seen.size === wanted.length || undefined);
      expect([...seen].sort()).toEqual(wanted);

      await using looker = new PullConsumer({ ...common(form), group: `l-${form}` });
      await looker.start();
      const queues = await looker.fetchMessageQueues(topic);
      const ends = await Promise.all(queues.map((queue) => looker.maxOffset(queue)));
      expect(ends.reduce((sum, end) => sum + end, 0)).toBe(wanted.length);

      await using lite = new LitePullConsumer({ ...common(form), group: `q-${form}` });
      await lite.start();
      await lite.assign(queues);
      const [queue] = queues as [(typeof queues)[number]];
      await lite.commit({ queue, offset: 1 });
      expect(await lite.committed(queue)).toBe(1);
    });

    it('lets in what administrators ask, and queries by unique key', async () => {
      const extra = requestFields({ credentials: right });
      const base = { clock: systemClock, logger: silentLogger, form, extra };
      const remoting = new RemotingClient(base);
      await using producer = new Producer({ ...common(form), group: `a-${form}` });
      await producer.start();
      const { msgId } = await producer.send({ topic, body: Buffer.from('find me') });
      const { address } = servers.broker;
      const all = await remoting.invoke(address, GetAllTopicConfig, {}, { timeoutMs: deadline });
      expect(Object.keys(all.body.topicConfigTable)).toContain(topic);
      const asked = { topic, key: msgId, maxNum: 5, beginTimestamp: 0, isUniqueKey: 'true' };
      const until = { ...asked, endTimestamp: Number.MAX_SAFE_INTEGER };
      await eventually('the message by its key', deadline, async () => {
        const found = await remoting.invoke(address, QueryMessage, until, { timeoutMs: deadline });
        return found.body.length > 0 || undefined;
      });
      await remoting.close();
    });
  });

  it.each([
    ['no credentials', undefined, "set the option 'credentials'"],
    ['a wrong secret', { ...right, secretKey: 'wrong' }, "check 'secretKey'"],
    ['an unknown key', { ...right, accessKey: 'nobody' }, "check 'accessKey'"],
  ] as const)(
    '%s: sends and consumers fail at once and say what to do',
    async (_, given, words) => {
      const topic = 'Access_json';
      const { credentials: _right, ...rest } = common();
      const options = given === undefined ? rest : { ...rest, credentials: given };
      const denied = { code: 'CLIENT_ACCESS_DENIED', message: expect.stringContaining(words) };
      await using producer = new Producer({ ...options, group: 'p-wrong' });
      await producer.start();
      const attempt = producer.send({ topic, body: Buffer.from('x') });
      await expect(attempt).rejects.toMatchObject({ ...denied, retriable: false });
      const consumer = new PushConsumer({
        ...options,
        group: 'c-wrong',
        subscriptions: [{ topic }],
        listener: () => ({ kind: 'success' }),
      });
      await expect(consumer.start()).rejects.toMatchObject(denied);
      await using looker = new PullConsumer({ ...options, group: 'l-wrong' });
      const asking = looker.start().then(async () => {
        const [queue] = await looker.fetchMessageQueues(topic);
        return looker.maxOffset(queue as NonNullable<typeof queue>);
      });
      // ACL 1.0 lets heartbeats of groups without subscriptions pass once they are signed well.
      await expect(asking).rejects.toMatchObject(denied);
    },
  );

  if (version === '4.9.7') {
    it('a key without the permission: says that it must be granted', async () => {
      const credentials = { accessKey: 'shopreader', secretKey: 'reader-secret' };
      await using producer = new Producer({ ...common(), credentials, group: 'p-reader' });
      await producer.start();
      const attempt = producer.send({ topic: 'Access_json', body: Buffer.from('x') });
      await expect(attempt).rejects.toMatchObject({
        code: 'CLIENT_ACCESS_DENIED',
        message: expect.stringContaining('let an administrator grant the permission'),
      });
    });
  }
});
