import { decodeTraces, encodeTrace, type TraceRecord } from './trace-record.js';

const pub: TraceRecord = {
  kind: 'Pub',
  timestamp: 1_700_000_000_000,
  regionId: 'DefaultRegion',
  group: 'g',
  topic: 't',
  msgId: 'ID',
  tags: undefined,
  keys: 'k1 k2',
  storeHost: '10.0.0.1:10911',
  bodyLength: 12,
  costTime: 3,
  messageType: 'Trans_Msg_Half',
  offsetMsgId: 'OFFSET',
  success: true,
};
const before: TraceRecord = {
  kind: 'SubBefore',
  timestamp: 5,
  regionId: 'r',
  group: 'g',
  requestId: 'R',
  msgId: 'ID',
  retryTimes: 2,
  keys: undefined,
};
const after: TraceRecord = {
  kind: 'SubAfter',
  requestId: 'R',
  msgId: 'ID',
  costTime: 7,
  success: false,
  keys: undefined,
  returnType: 'EXCEPTION',
  timestamp: 12,
  group: 'g',
};
const end: TraceRecord = {
  kind: 'EndTransaction',
  timestamp: 9,
  regionId: 'r',
  group: 'g',
  topic: 't',
  msgId: 'ID',
  tags: 'a',
  keys: undefined,
  storeHost: '10.0.0.1:10911',
  messageType: 'Trans_msg_Commit',
  transactionId: 'ID',
  state: 'COMMIT_MESSAGE',
  fromTransactionCheck: false,
};
const recall: TraceRecord = {
  kind: 'Recall',
  timestamp: 9,
  regionId: 'r',
  group: 'g',
  topic: 't',
  msgId: 'ID',
  success: true,
};

const fields = (...all: readonly (string | number)[]): string => `${all.join('\u0001')}\u0002`;

describe('trace records', () => {
  it.each([pub, before, after, end, recall])('$kind comes back as it was written', (record) => {
    expect(decodeTraces(encodeTrace(record))).toEqual([record]);
  });

  it('stand one after the other in the body of a trace message', () => {
    const all = [pub, before, after, end, recall];
    expect(decodeTraces(all.map(encodeTrace).join(''))).toEqual(all);
  });

  it('name what is absent as Java does', () => {
    expect(encodeTrace(pub).split('\u0001')[6]).toBe('null');
    expect(encodeTrace({ ...pub, tags: '' }).split('\u0001')[6]).toBe('null');
  });

  it('of old clients, without the offset id, are read', () => {
    const old = fields('Pub', 1, 'r', 'g', 't', 'ID', 'a', 'null', 'h:1', 2, 3, 0, 'true');
    const [record] = decodeTraces(old);
    expect(record).toMatchObject({ offsetMsgId: undefined, success: true, tags: 'a' });
  });

  it('with the address of the client behind everything are read', () => {
    const long = fields('Pub', 1, 'r', 'g', 't', 'ID', 'a', 'b', 'h:1', 2, 3, 4, 'O', 'true', 'c');
    const [record] = decodeTraces(long);
    expect(record).toMatchObject({ offsetMsgId: 'O', success: true, messageType: 'Order_Msg' });
  });

  it('of listener calls without time and group, or without a code, are read', () => {
    const cloud = fields('SubAfter', 'R', 'ID', 4, 'true', 'null', 0, '');
    const old = fields('SubAfter', 'R', 'ID', 4, 'false', 'null');
    const read = decodeTraces(cloud + old);
    expect(read).toMatchObject([
      { returnType: 'SUCCESS', timestamp: undefined, group: undefined },
      { returnType: 'FAILED', timestamp: undefined, group: undefined },
    ]);
  });

  it.each([
    ['an unknown kind', fields('Other', 1, 2, 3)],
    ['a kind that is a name of every object', fields('constructor', 1, 2, 3, 4, 5, 6, 7)],
    ['a record that was cut off', 'Pub\u00011\u0001r\u0002'],
    ['a time that is no number', fields('Recall', 'x', 'r', 'g', 't', 'ID', 'true')],
    ['a code that nobody gave', fields('SubAfter', 'R', 'ID', 4, 'true', 'null', 9, 1, 'g')],
    ['nothing', ''],
  ])('pass over %s', (_, text) => {
    expect(decodeTraces(text + encodeTrace(recall))).toEqual([recall]);
    expect(decodeTraces(text)).toEqual([]);
  });
});
