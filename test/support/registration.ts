import { connect } from 'node:net';

/**
 * Waits until a nameserver lists a broker address. The official 5.x broker prints its ready line before
 * it has registered.
 */
export async function untilRegistered(
  nameServer: string,
  brokerAddress: string,
  deadlineMs = 60_000,
): Promise<void> {
  const deadline = Date.now() + deadlineMs;
  for (;;) {
    const answer = await askByHand(nameServer, 106).catch((error: unknown) => String(error));
    if (answer.includes(`"${brokerAddress}"`)) return;
    if (Date.now() > deadline) {
      throw new Error(`${brokerAddress} is not at ${nameServer} after ${deadlineMs} ms: ${answer}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Creates or changes a topic at one broker. */
export async function createTopic(broker: string, topic: string, queues: number): Promise<void> {
  const answer = await askByHand(broker, 17, {
    topic,
    defaultTopic: 'TBW102',
    readQueueNums: String(queues),
    writeQueueNums: String(queues),
    perm: '6',
    topicFilterType: 'SINGLE_TAG',
    topicSysFlag: '0',
    order: 'false',
  });
  if (!answer.includes('"code":0')) throw new Error(`topic ${topic} was not created: ${answer}`);
}

/** Creates a consumer group with the defaults at one broker. */
export async function createGroup(broker: string, groupName: string): Promise<void> {
  const answer = await askByHand(broker, 200, {}, JSON.stringify({ groupName }));
  if (!answer.includes('"code":0'))
    throw new Error(`group ${groupName} was not created: ${answer}`);
}

/**
 * Asks a server in a hand-made JSON frame and returns header and body as text, so that preparing a
 * suite leans on nothing that is under test.
 */
export function askByHand(
  server: string,
  code: number,
  extFields: Record<string, string> = {},
  body = '',
): Promise<string> {
  const command = { code, extFields, flag: 0, language: 'JAVA', opaque: 1, version: 479 };
  const header = Buffer.from(JSON.stringify({ ...command, serializeTypeCurrentRPC: 'JSON' }));
  const bytes = Buffer.from(body);
  const prefix = Buffer.alloc(8);
  prefix.writeInt32BE(4 + header.length + bytes.length, 0);
  prefix.writeInt32BE(header.length, 4);
  const [host = '', port] = server.split(':');
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port: Number(port) });
    let read = Buffer.alloc(0);
    socket.setTimeout(30_000, () => socket.destroy(new Error('no answer')));
    socket.on('connect', () => socket.write(Buffer.concat([prefix, header, bytes])));
    socket.on('data', (chunk) => {
      read = Buffer.concat([read, chunk]);
      if (read.length < 4 || read.length < 4 + read.readInt32BE(0)) return;
      socket.destroy();
      resolve(read.toString('utf8'));
    });
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('the connection was closed')));
  });
}
