import { json, readAsked, encodeRequest, encodeAnswer, readAnswer } from '../index.js';
import { decodeFrame, defineCommand, heartbeatData, requestCodes, text } from '../index.js';
import { rights } from '../command/define-command.js';
import { DeclarationError } from '../protocol.errors.js';
import { ResponseCode, responseCodeName } from '../response-code.js';
import {
  allCommands,
  commandByCode,
  PullMessage,
  QueryConsumerOffset,
  SendMessageV2,
} from './index.js';

describe('the registry of commands', () => {
  it('finds every command by its code, under the name that Apache gives the code', () => {
    expect(allCommands.length).toBeGreaterThan(70);
    for (const command of allCommands) {
      expect(commandByCode(command.code)).toBe(command);
      expect(requestCodes[command.name]).toBe(command.code);
    }
    expect(commandByCode(999_999)).toBeUndefined();
  });

  it('knows of every command who may call it and how it may end', () => {
    for (const { name, needs, outcomes } of allCommands) {
      expect([name, rights.includes(needs)]).toEqual([name, true]);
      for (const outcome of outcomes) expect(ResponseCode[outcome]).toBeGreaterThanOrEqual(0);
    }
  });

  it('refuses declarations that contradict themselves', () => {
    const outcomes = ['SUCCESS'] as const;
    const declare = (change: object) => () =>
      defineCommand({ code: 34, name: 'HEART_BEAT', needs: 'either', outcomes, ...change });
    expect(declare({})).not.toThrow();
    expect(declare({ code: 35 })).toThrow(DeclarationError);
    expect(declare({ asks: { a: text().onWire('b'), b: text() } })).toThrow("field 'b' twice");
    expect(declare({ outcomes: [] })).toThrow(DeclarationError);
  });
});

describe('requests and answers', () => {
  const asked = {
    producerGroup: 'g',
    topic: 'T',
    defaultTopic: 'TBW102',
    defaultTopicQueueNums: 4,
    queueId: -1,
    sysFlag: 0,
    bornTimestamp: 1700000000000,
    flag: 0,
  };

  it('send one-letter names that no reader ever sees', () => {
    const bytes = encodeRequest(SendMessageV2, asked, { opaque: 9, body: Buffer.from('x') });
    const frame = decodeFrame(bytes);
    expect(frame).toMatchObject({ code: 310, opaque: 9, flag: 0, version: 479, language: 'OTHER' });
    expect(frame.extFields).toMatchObject({ a: 'g', b: 'T', e: '-1' });
    expect(readAsked(SendMessageV2, frame)).toEqual(asked);
  });

  it('refuse a request without a required field before it is sent', () => {
    expect(() =>
      encodeRequest(SendMessageV2, { ...asked, topic: undefined as never }, { opaque: 1 }),
    ).toThrow("'topic' ('b' on the wire) is missing");
  });

  it('carry offsets with every outcome of a pull', () => {
    const header = { suggestWhichBrokerId: 0, nextBeginOffset: 5, minOffset: 0, maxOffset: 5 };
    const bytes = encodeAnswer(PullMessage, {
      opaque: 3,
      code: ResponseCode.PULL_NOT_FOUND,
      remark: 'OFFSET_OVERFLOW_ONE',
      header,
      form: 'binary',
    });
    const frame = decodeFrame(bytes);
    expect(frame).toMatchObject({
      code: 19,
      flag: 1,
      remark: 'OFFSET_OVERFLOW_ONE',
      form: 'binary',
    });
    expect(readAnswer(PullMessage, frame)).toEqual(header);
  });

  it('may leave the header out of an answer that is no success, but not of one that is', () => {
    const failed = encodeAnswer(QueryConsumerOffset, { opaque: 1, code: 22 });
    expect(readAnswer(QueryConsumerOffset, decodeFrame(failed))).toEqual({});
    expect(() => encodeAnswer(QueryConsumerOffset, { opaque: 1 })).toThrow("'offset' is missing");
  });

  it('read a heartbeat as Java clients of any version write it', () => {
    const text =
      '{"clientID":"1@2","consumerDataSet":[{"consumeFromWhere":"CONSUME_FROM_FIRST_OFFSET",' +
      '"consumeType":"CONSUME_PASSIVELY","groupName":"g","messageModel":"CLUSTERING",' +
      '"subscriptionDataSet":[{"classFilterMode":false,"codeSet":[65],"expressionType":"TAG",' +
      '"subString":"A","subVersion":1700000000000,"tagsSet":["A"],"topic":"T"}],"unitMode":false}],' +
      '"isWithoutSub":true,"producerDataSet":[{"groupName":"p"}]}';
    const read = json(heartbeatData).read(Buffer.from(text));
    expect(read).toMatchObject({ clientID: '1@2', withoutSub: true, heartbeatFingerprint: 0 });
    expect(read.consumerDataSet[0]?.subscriptionDataSet[0]).toMatchObject({ tagsSet: ['A'] });
  });

  it('call response codes by name', () => {
    expect(responseCodeName(17)).toBe('TOPIC_NOT_EXIST');
    expect(responseCodeName(-12345)).toBeUndefined();
  });
});
