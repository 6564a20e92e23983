import { createHmac } from 'node:crypto';
import { silentLogger, systemClock } from '@nestjs-rocketmq/foundation';
import {
  allCommands,
  decodeFrame,
  QueryMessage,
  type CommandDefinition,
  type Frame,
  type HeaderForm,
} from '@nestjs-rocketmq/protocol';
import { RemotingClient } from '@nestjs-rocketmq/remoting';
import { LoopbackNetwork } from '@nestjs-rocketmq/remoting/testing';
import { accessProblem, contentOf, requestFields, type Credentials } from './index.js';

const credentials = { accessKey: 'orders', secretKey: 'a secret é' };

/** What a server that checks by Java's rule expects in a frame. */
function expected(frame: Frame, secretKey: string): string {
  const { Signature, ...signed } = frame.extFields;
  expect(Signature).toBeDefined();
  if (frame.version <= 399) delete signed['_UNIQUE_KEY_QUERY'];
  const hmac = createHmac('sha1', Buffer.from(secretKey)).update(contentOf(signed));
  return hmac.update(frame.body).digest('base64');
}

/** A client whose frames are kept instead of being answered. */
async function recorder(of: { credentials?: Credentials; constants?: Record<string, string> }) {
  const network = new LoopbackNetwork();
  let bytes = Buffer.alloc(0);
  const listener = await network.listen({ host: '127.0.0.1', port: 0 }, (wire) =>
    wire.onData((chunk) => (bytes = Buffer.concat([bytes, chunk]))),
  );
  const extra = requestFields(of);
  const client = new RemotingClient({ network, clock: systemClock, logger: silentLogger, extra });
  const peer = await client.peer(`127.0.0.1:${listener.address.port}`);
  return {
    ask: (command: CommandDefinition, asked: object, form: HeaderForm, body?: unknown) =>
      peer.notify(command, asked as never, { form, body: body as never }),
    async frames(count: number): Promise<Frame[]> {
      const found: Frame[] = [];
      while (found.length < count) {
        await new Promise((done) => setImmediate(done));
        while (bytes.length >= 4 && bytes.length >= bytes.readInt32BE(0) + 4) {
          const end = bytes.readInt32BE(0) + 4;
          found.push(decodeFrame(bytes.subarray(0, end)));
          bytes = bytes.subarray(end);
        }
      }
      return found;
    },
    async [Symbol.asyncDispose]() {
      await client.close();
      await listener.close();
    },
  };
}

const texts = ['topic', 'a"b\\c', '', 'UNIQ_KEY\u0001A\u0002', 'é漢😀\n'];

function askedOf(command: CommandDefinition, n: number): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  Object.entries(command.asks).forEach(([name, field], i) => {
    if (field.isOptional && (n + i) % 3 === 0) return;
    const isNumber = field.kind === 'int32' || field.kind === 'int64';
    // A text that must be there is never empty.
    const text = texts[(n + i) % texts.length];
    if (isNumber) values[name] = (n + i) * 7 - 3;
    else if (field.kind === 'bool') values[name] = n % 2 === 0;
    else values[name] = text === '' && !field.isOptional ? 'x' : text;
  });
  return values;
}

describe.each(['json', 'binary'] as const)('signed requests in the %s form', (form) => {
  it('of all commands carry what a server works out, first and often asked alike', async () => {
    const constants = { nsd: 'true', ns: 'shop' };
    await using wire = await recorder({ credentials, constants });
    for (const command of allCommands) {
      const rounds = Array.from({ length: 10 }, (_, n) => n);
      for (const n of rounds) wire.ask(command, askedOf(command, n), form);
      for (const frame of await wire.frames(rounds.length)) {
        expect(frame.extFields).toMatchObject({ AccessKey: 'orders', ns: 'shop', nsd: 'true' });
        expect(frame.extFields['Signature']).toBe(expected(frame, credentials.secretKey));
        if (form === 'binary') expect(Object.values(frame.extFields)).not.toContain('');
      }
    }
  });

  it('cover the body', async () => {
    await using wire = await recorder({ credentials });
    const command = allCommands.find(({ code }) => code === 310) as CommandDefinition;
    const asked = askedOf(command, 1);
    wire.ask(command, asked, form, Buffer.from('one'));
    wire.ask(command, asked, form, Buffer.from('two'));
    const [one, two] = (await wire.frames(2)) as [Frame, Frame];
    expect(one.extFields['Signature']).not.toBe(two.extFields['Signature']);
    expect(two.extFields['Signature']).toBe(expected(two, credentials.secretKey));
  });

  it('change with credentials that are renewed', async () => {
    const keys = [
      credentials,
      credentials,
      { accessKey: 'second', secretKey: 's2', securityToken: 'token' },
    ];
    await using wire = await recorder({ credentials: () => keys.shift() ?? credentials });
    const command = allCommands.find(({ code }) => code === 30) as CommandDefinition;
    for (let i = 0; i < 3; i += 1) wire.ask(command, askedOf(command, 1), form);
    const [first, second, third] = (await wire.frames(3)) as [Frame, Frame, Frame];
    expect(first.extFields['AccessKey']).toBe('orders');
    expect(second.extFields).toMatchObject({ AccessKey: 'second', SecurityToken: 'token' });
    expect(second.extFields['Signature']).toBe(expected(second, 's2'));
    expect(third.extFields['SecurityToken']).toBeUndefined();
    expect(third.extFields['Signature']).toBe(expected(third, credentials.secretKey));
  });
});

describe('requestFields', () => {
  it('states the one version that leaves the mark of unique keys unsigned everywhere', async () => {
    await using wire = await recorder({ credentials });
    const asked = { topic: 't', key: 'k', maxNum: 1, beginTimestamp: 0, endTimestamp: 9 };
    wire.ask(QueryMessage, { ...asked, isUniqueKey: 'true' }, 'json');
    wire.ask(QueryMessage, asked, 'json');
    const [marked, plain] = (await wire.frames(2)) as [Frame, Frame];
    expect([marked.version, plain.version]).toEqual([399, 479]);
    expect(marked.extFields['Signature']).toBe(plain.extFields['Signature']);
  });

  it('signs values and body with HMAC-SHA1 and writes base64', () => {
    const extra = requestFields({ credentials: { accessKey: 'a', secretKey: '12345678' } });
    const command = { asks: {} } as CommandDefinition;
    const signed = extra?.(command, {}, Buffer.from('RocketMQ'));
    const hmac = createHmac('sha1', '12345678').update('aRocketMQ').digest('base64');
    expect(signed?.fields['Signature']).toBe(hmac);
  });

  it('is nothing without credentials and constants', () => {
    expect(requestFields({})).toBeUndefined();
  });

  it.each([
    [{ accessKey: '', secretKey: 'S3CRET' }, "'accessKey' of the credentials is empty"],
    [{ accessKey: 'a' }, "'secretKey' of the credentials is missing"],
    [{ accessKey: 'a', secretKey: 5 }, "'secretKey' of the credentials is no text"],
    [{ accessKey: 'a', secretKey: 'S3CRET', securityToken: '' }, "'securityToken'"],
    [() => undefined, "'accessKey' of the credentials is missing"],
  ])('refuses %j, naming the field and no secret', (given, words) => {
    const attempt = () => requestFields({ credentials: given as never });
    expect(attempt).toThrow(words);
    expect(attempt).not.toThrow('S3CRET');
  });
});

describe('accessProblem', () => {
  const v1 = (text: string) =>
    `org.apache.rocketmq.acl.common.AclException: ${text}, org.apache.rocketmq.acl.plain.Manager`;

  it.each([
    [1, v1('No accessKey is configured'), "set the option 'credentials'"],
    [1, v1('No acl config for x'), "check 'accessKey'"],
    [1, v1('Check signature failed for accessKey=x'), "check 'secretKey'"],
    [1, v1('No default permission for topic'), 'grant the permission'],
    [16, 'username cannot be null.', "set the option 'credentials'"],
    [16, 'User:x is not found.', "check 'accessKey'"],
    [16, 'User:x is disabled.', 'enable it'],
    [16, 'check signature failed.', "check 'secretKey'"],
    [16, 'User:x has no permission to access Topic:y from 1.2.3.4, no matched policies.', 'grant'],
  ])('knows %i %s', (code, remark, words) => {
    expect(accessProblem(code, remark)).toContain(words);
  });

  it('leaves other refusals alone', () => {
    expect(accessProblem(16, 'the broker[127.0.0.1] sending message is forbidden')).toBeUndefined();
    expect(accessProblem(1, 'java.lang.NullPointerException')).toBeUndefined();
    expect(accessProblem(17, v1('No acl config for x'))).toBeUndefined();
  });
});
