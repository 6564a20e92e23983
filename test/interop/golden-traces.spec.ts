import { readFileSync } from 'node:fs';
import { decodeTraces, encodeTrace, type TraceRecord } from '@nestjs-rocketmq/client';
import { goldenTracesPath, tracingVersions, type GoldenTrace } from './golden-traces.js';

/** Traces that official clients wrote (recording/traces.record.ts). */
describe.each(tracingVersions)('traces of the client %s', (version) => {
  const text = readFileSync(goldenTracesPath(version), 'utf8');
  const messages = JSON.parse(text) as readonly GoldenTrace[];
  const records = messages.flatMap(({ body }) => decodeTraces(body));
  const ofKind = <K extends TraceRecord['kind']>(kind: K) =>
    records.filter((one): one is Extract<TraceRecord, { kind: K }> => one.kind === kind);

  it('are read, and written again byte by byte', () => {
    for (const { body } of messages) {
      expect(decodeTraces(body).map(encodeTrace).join('')).toBe(body);
    }
  });

  it('stand under the ids and keys of their messages', () => {
    const wordsOf = (record: TraceRecord): string[] => [
      record.msgId,
      ...('keys' in record && record.keys !== undefined ? record.keys.split(' ') : []),
    ];
    for (const { keys, body } of messages) {
      const expected = new Set(decodeTraces(body).flatMap(wordsOf));
      expect(new Set(keys.split(' '))).toEqual(expected);
    }
  });

  it('say what we say of the same events', () => {
    expect(new Set(ofKind('Pub').map((one) => one.messageType))).toEqual(
      new Set(['Normal_Msg', 'Delay_Msg', 'Trans_Msg_Half']),
    );
    const statesOf = (isAsked: boolean) =>
      new Set(
        ofKind('EndTransaction')
          .filter((one) => one.fromTransactionCheck === isAsked)
          .map((one) => one.state),
      );
    expect(statesOf(false)).toEqual(new Set(['COMMIT_MESSAGE', 'ROLLBACK_MESSAGE', 'UNKNOW']));
    // A broker with a short time for transactions asks more than once.
    expect(statesOf(true)).toContain('COMMIT_MESSAGE');
    const calls = new Set(ofKind('SubAfter').map((one) => `${one.success} ${one.returnType}`));
    expect(calls).toEqual(new Set(['true SUCCESS', 'false FAILED']));
  });

  it('join both records of a listener call by its id', () => {
    const begun = ofKind('SubBefore').map((one) => `${one.requestId} ${one.msgId}`);
    const ended = ofKind('SubAfter').map((one) => `${one.requestId} ${one.msgId}`);
    expect(ended.toSorted()).toEqual(begun.toSorted());
    expect(begun.length).toBeGreaterThan(20);
  });
});
