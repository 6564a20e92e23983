import { deflateSync, inflateSync } from 'node:zlib';
import { BodyError } from '../protocol.errors.js';
import {
  decodeRegisterBrokerBody,
  encodeRegisterBrokerBody,
  registerBodyCrc,
} from './register-broker-body.js';

const topic = (topicName: string, change = {}): Record<string, unknown> => ({
  attributes: {},
  order: false,
  perm: 6,
  readQueueNums: 8,
  topicFilterType: 'SINGLE_TAG' as const,
  topicName,
  topicSysFlag: 0,
  writeQueueNums: 8,
  ...change,
});
const body = {
  filterServerList: [],
  topicConfigSerializeWrapper: {
    dataVersion: { counter: 3, stateVersion: 1, timestamp: 1700000000000 },
    topicConfigTable: {
      A: topic('A', { attributes: { 'message.type': 'FIFO' } }),
      B: topic('B', { perm: 4, writeQueueNums: 1 }),
    },
  },
} as never;

describe('the body of a broker registration', () => {
  it.each([false, true])('comes back as it was written, compressed: %p', (compressed) => {
    const bytes = encodeRegisterBrokerBody(body, { compressed });
    expect(decodeRegisterBrokerBody(bytes, 479)).toEqual(body);
  });

  it('has five words for a topic without attributes, as name servers of 4.x want it', () => {
    const text = inflateSync(encodeRegisterBrokerBody(body, { compressed: true })).toString();
    expect(text).toContain('B 8 1 4 SINGLE_TAG');
    expect(text).not.toContain('B 8 1 4 SINGLE_TAG {');
    expect(text).toContain('A 8 8 6 SINGLE_TAG {"message.type":"FIFO"}');
  });

  it('is read as JSON with the members that 5.x adds and 4.9 leaves out', () => {
    const text =
      '{"filterServerList":[],"topicConfigSerializeWrapper":{"dataVersion":{"counter":1,"timestamp":2},' +
      '"mappingDataVersion":{"counter":0},"topicConfigTable":{"A":{"perm":6,"topicName":"A"}},' +
      '"topicQueueMappingDetailMap":{},"topicQueueMappingInfoMap":{"x":{"currIdMap":{0:0}}}}}';
    const { topicConfigSerializeWrapper } = decodeRegisterBrokerBody(Buffer.from(text), 479);
    expect(topicConfigSerializeWrapper).toEqual({
      dataVersion: { counter: 1, stateVersion: 0, timestamp: 2 },
      topicConfigTable: { A: topic('A', { readQueueNums: 16, writeQueueNums: 16 }) },
    });
  });

  it('is a bare table from brokers before 3.0.11', () => {
    const text = '{"dataVersion":{"counter":1,"timestamp":2},"topicConfigTable":{}}';
    expect(decodeRegisterBrokerBody(Buffer.from(text), 36).topicConfigSerializeWrapper).toEqual({
      dataVersion: { counter: 1, stateVersion: 0, timestamp: 2 },
      topicConfigTable: {},
    });
  });

  it('has the check sum that java.util.zip.CRC32 gives, without its sign bit', () => {
    expect(registerBodyCrc(Buffer.from('123456789'))).toBe(0xcbf43926 & 0x7fffffff);
  });

  it.each([
    ['empty', Buffer.alloc(0)],
    ['no zlib stream', Buffer.from('hello')],
    ['a zlib stream that ends early', deflateSync(Buffer.from([0, 0, 0, 9]))],
    ['a negative length', deflateSync(Buffer.from([0xff, 0xff, 0xff, 0xff]))],
    ['broken JSON', Buffer.from('{"topic')],
    ['of another shape', Buffer.from('{"topicConfigSerializeWrapper":[]}')],
  ])('is refused when it is %s', (_what, bytes) => {
    expect(() => decodeRegisterBrokerBody(bytes, 479)).toThrow(BodyError);
  });
});
