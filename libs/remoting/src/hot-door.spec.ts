import { copySpan } from '@nestjs-rocketmq/foundation';
import {
  encodeRequest,
  EndTransaction,
  PullMessage,
  ResponseCode,
  ResponseError,
  SendMessageV2,
} from '@nestjs-rocketmq/protocol';
import { Router, type HeldReply } from './index.js';
import {
  open,
  properties,
  reworded,
  send,
  sendAsked,
  storing,
  text,
  turns,
  until,
  pull,
} from './testing/raw-wire.js';

describe('a hot route', () => {
  it.each(['json', 'binary'] as const)(
    'reads a %s request and answers in its form',
    async (form) => {
      const seen: unknown[] = [];
      const router = new Router().hotRoute(SendMessageV2, (asked, reply) => {
        seen.push(asked.keep(), text(copySpan(asked.body)), text(copySpan(asked.properties)));
        seen.push(
          asked.properties.delayLevel,
          text(copySpan(asked.properties.tags)),
          reply.version,
        );
        Object.assign(reply.answer, {
          msgId: 'x',
          queueId: 1,
          queueOffset: 2 ** 40,
          transactionId: 'ü"',
        });
        reply.success();
      });
      await using at = await open(router);
      at.wire.write(send(-7, form));
      await until(() => at.answers.length === 1);
      expect(seen).toEqual([sendAsked, 'body -7', properties, 3, 'a"b\\é', 479]);
      expect(at.answers[0]).toMatchObject({
        code: 0,
        opaque: -7,
        flag: 1,
        form,
        version: 479,
        extFields: { msgId: 'x', queueId: '1', queueOffset: String(2 ** 40), transactionId: 'ü"' },
      });
    },
  );

  it('completes a log position with the address of the store', async () => {
    await using at = await open(storing());
    at.wire.write(Buffer.concat([send(1), send(2, 'binary')]));
    await until(() => at.answers.length === 2);
    const ids = at.answers.map(({ extFields }) => extFields['msgId']);
    expect(ids).toEqual(['0A00000100002A9F0000000000000000', '0A00000100002A9F0000000000000001']);
  });

  it.each([1, 7, 100, 1_000, 65_536])(
    'answers pipelined requests in both forms, cut into %d bytes',
    async (chunkBytes) => {
      await using at = await open(storing(), { chunkBytes });
      const count = chunkBytes < 100 ? 40 : 300;
      const frames = Array.from({ length: count }, (_, i) =>
        send(i, i % 2 === 0 ? 'json' : 'binary'),
      );
      at.wire.write(Buffer.concat(frames));
      await until(() => at.answers.length === count);
      expect(at.answers.map(({ opaque }) => opaque)).toEqual(frames.map((_, i) => i));
      expect(at.answers.every(({ code }) => code === 0)).toBe(true);
      expect(at.answers.at(-1)?.extFields['queueOffset']).toBe(String(count - 1));
    },
  );

  it('sends the answers of one turn in one write', async () => {
    await using at = await open(storing());
    at.wire.write(Buffer.concat(Array.from({ length: 100 }, (_, i) => send(i))));
    await until(() => at.answers.length === 100);
    expect(at.chunks).toBe(1);
  });

  const odd: [string, (json: string) => string][] = [
    ['blanks', (json) => json.replaceAll(',"', ', "')],
    ['the code at the end', (json) => json.replace(/^\{("code":310),(.*)\}$/, '{$2,$1}')],
    ['numbers as ext values', (json) => json.replace('"e":"2"', '"e":2')],
    [
      'an unknown member of the header',
      (json) => json.replace('"flag"', '"what":{"a":[1]},"flag"'),
    ],
    ['an unknown ext field', (json) => json.replace('"e":"2"', '"e":"2","zz":"a\\"b","yyyyy":""')],
    ['a null ext value', (json) => json.replace('"e":"2"', '"e":"2","j":null')],
    ['escaped letters of the properties', (json) => json.replace('UNIQ', '\\u0055NIQ')],
    ['a plus sign', (json) => json.replace('"e":"2"', '"e":"+2"')],
  ];
  it.each(odd)('reads a header with %s', async (_name, change) => {
    await using at = await open(storing());
    at.wire.write(reworded(send(5), change));
    await until(() => at.answers.length === 1);
    expect(at.answers[0]).toMatchObject({
      code: 0,
      opaque: 5,
      extFields: { queueId: '2', transactionId: 'AC1100010DD018B4AAC200000000' },
    });
  });

  it('answers SYSTEM_ERROR naming a missing field and one that does not fit', async () => {
    await using at = await open(storing());
    at.wire.write(reworded(send(5), (json) => json.replace('"e":"2",', '')));
    at.wire.write(reworded(send(6), (json) => json.replace('"e":"2"', '"e":"two"')));
    await until(() => at.answers.length === 2);
    expect(at.answers.map(({ code }) => code)).toEqual([1, 1]);
    expect(at.answers[0]?.remark).toContain("'queueId' ('e' on the wire) is missing");
    expect(at.answers[1]?.remark).toContain('"two"');
  });

  it('turns what a processor throws into an answer, and goes on', async () => {
    const errors: Error[] = [
      new ResponseError(ResponseCode.TOPIC_NOT_EXIST, 'no'),
      new Error('oops'),
    ];
    const router = new Router().hotRoute(SendMessageV2, () => {
      throw errors.shift() ?? new Error('again');
    });
    await using at = await open(router);
    at.wire.write(Buffer.concat([send(1), send(2), send(3, 'binary')]));
    await until(() => at.answers.length === 3);
    expect(at.answers.map(({ code, remark }) => [code, remark])).toEqual([
      [17, 'no'],
      [1, 'oops'],
      [1, 'again'],
    ]);
  });

  it('writes nothing after a oneway request', async () => {
    const router = storing().hotRoute(EndTransaction, (_asked, reply) => reply.success());
    await using at = await open(router);
    const asked = {
      producerGroup: 'g',
      tranStateTableOffset: 1,
      commitLogOffset: 2,
      commitOrRollback: 8,
      msgId: 'm',
    };
    at.wire.write(encodeRequest(EndTransaction, asked, { opaque: 1 }));
    at.wire.write(send(2));
    await until(() => at.answers.length === 1);
    await turns();
    expect(at.answers.map(({ opaque }) => opaque)).toEqual([2]);
  });

  it('shows the guard the fields and the whole request', async () => {
    const router = storing();
    router.guard = ({ definition, asked, frame }) => ({
      code: 'NO_PERMISSION',
      remark: `${definition.name} ${String(asked['topic'])} ${text(frame().body)}`,
    });
    await using at = await open(router);
    at.wire.write(Buffer.concat([send(1), send(2, 'binary')]));
    await until(() => at.answers.length === 2);
    expect(at.answers.map(({ code, remark }) => [code, remark])).toEqual([
      [16, 'SEND_MESSAGE_V2 orders body 1'],
      [16, 'SEND_MESSAGE_V2 orders body 2'],
    ]);
  });

  it('keeps a held reply apart from the requests that come after it', async () => {
    const held: HeldReply<typeof PullMessage>[] = [];
    const router = storing().hotRoute(PullMessage, (_asked, reply) => void held.push(reply.hold()));
    await using at = await open(router);
    at.wire.write(encodeRequest(PullMessage, pull, { opaque: 10 }));
    at.wire.write(encodeRequest(PullMessage, pull, { opaque: 11, form: 'binary' }));
    at.wire.write(send(12));
    await until(() => at.answers.length === 1);
    for (const [i, reply] of held.entries()) {
      Object.assign(reply.answer, {
        suggestWhichBrokerId: 0,
        nextBeginOffset: i,
        minOffset: 0,
        maxOffset: 9,
      });
      if (i === 0) reply.outcome(ResponseCode.PULL_NOT_FOUND, 'none');
      else {
        // Room that could not be filled leaves nothing behind.
        reply.successWithBody(70_000);
        reply.withdraw();
        const room = reply.successWithBody(3);
        room.bytes.set([1, 2, 3], room.from);
      }
    }
    await until(() => at.answers.length === 3);
    expect(at.answers[1]).toMatchObject({ opaque: 10, code: 19, remark: 'none', form: 'json' });
    expect(at.answers[2]).toMatchObject({ opaque: 11, code: 0, form: 'binary' });
    expect([...(at.answers[2]?.body ?? [])]).toEqual([1, 2, 3]);
    expect(at.answers[2]?.extFields['nextBeginOffset']).toBe('1');
    at.wire.destroy();
    await turns();
    expect(held[0]?.isGone).toBe(true);
    held[0]?.success();
  });
});
