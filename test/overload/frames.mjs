// The few frames that the test of overload speaks.
import { connect } from 'node:net';

function frame(code, opaque, extFields, body = '') {
  const header = JSON.stringify({
    code,
    flag: 0,
    language: 'OTHER',
    opaque,
    version: 433,
    extFields,
  });
  const length = Buffer.byteLength(header);
  const head = Buffer.alloc(8);
  head.writeInt32BE(4 + length + Buffer.byteLength(body), 0);
  head.writeInt32BE(length, 4);
  return Buffer.concat([head, Buffer.from(header), Buffer.from(body)]);
}

/** A message of 4000 bytes. */
export const send = (queue, opaque = 1) =>
  frame(
    310,
    opaque,
    // prettier-ignore
    { a: 'g', b: 'BenchmarkTest', c: 'TBW102', d: '4', e: String(queue), f: '0', g: '1', h: '0', i: '', j: '0', k: 'false', m: 'false' },
    'x'.repeat(4000),
  );

/** The first 32 messages of a queue. */
export const pull = (queue) =>
  frame(11, 1, {
    consumerGroup: 'TOOLS_CONSUMER',
    topic: 'BenchmarkTest',
    queueId: String(queue),
    queueOffset: '0',
    maxMsgNums: '32',
    sysFlag: '4',
    commitOffset: '0',
    suspendTimeoutMillis: '0',
    subscription: '*',
    subVersion: '0',
    expressionType: 'TAG',
  });

export function open(port) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket));
    socket.on('error', reject);
  });
}
