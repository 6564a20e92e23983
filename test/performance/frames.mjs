// Raw frames of the loads, built once; only opaque numbers (always seven digits) change.

/** The first opaque: seven digits from here on. */
export const firstOpaque = 1_000_000;

const UNIQ_KEY = 'AC11000100002A9F0000000000000000';

function header(form, code, flag, opaque, ext) {
  if (form === 'json') {
    return Buffer.from(
      `{"code":${code},"extFields":${JSON.stringify(ext)},"flag":${flag},"language":"JAVA",` +
        `"opaque":${opaque},"serializeTypeCurrentRPC":"JSON","version":407}`,
    );
  }
  const entries = Object.entries(ext).map(([name, value]) => {
    const [key, text] = [Buffer.from(name), Buffer.from(value)];
    const entry = Buffer.alloc(6 + key.length + text.length);
    entry.writeInt16BE(key.length, 0);
    key.copy(entry, 2);
    entry.writeInt32BE(text.length, 2 + key.length);
    text.copy(entry, 6 + key.length);
    return entry;
  });
  const all = Buffer.concat(entries);
  const fixed = Buffer.alloc(21);
  fixed.writeInt16BE(code, 0);
  fixed.writeInt16BE(407, 3);
  fixed.writeInt32BE(opaque, 5);
  fixed.writeInt32BE(flag, 9);
  fixed.writeInt32BE(all.length, 17);
  return Buffer.concat([fixed, all]);
}

function frame(form, code, opaque, ext, body = Buffer.alloc(0)) {
  const head = header(form, code, 0, opaque, ext);
  const bytes = Buffer.alloc(8 + head.length + body.length);
  bytes.writeInt32BE(bytes.length - 4, 0);
  bytes.writeInt32BE(((form === 'json' ? 0 : 1) << 24) | head.length, 4);
  head.copy(bytes, 8);
  body.copy(bytes, 8 + head.length);
  return bytes;
}

/** SEND_MESSAGE_V2 of a body of `bodyBytes`, as the Java client writes it. */
export function sendFrame({ form, bodyBytes, topic, queueId, opaque, isHalf = false }) {
  const properties =
    `UNIQ_KEY\u0001${UNIQ_KEY}\u0002WAIT\u0001true\u0002TAGS\u0001TagA\u0002KEYS\u0001order-1234567\u0002` +
    (isHalf ? 'TRAN_MSG\u0001true\u0002PGROUP\u0001bench\u0002' : '');
  const ext = {
    a: 'bench',
    b: topic,
    c: 'TBW102',
    d: '4',
    e: String(queueId),
    f: isHalf ? '4' : '0',
    g: String(Date.now()),
    h: '0',
    i: properties,
    j: '0',
    k: 'false',
    m: 'false',
  };
  return frame(form, 310, opaque, ext, Buffer.alloc(bodyBytes, 'x'));
}

/** SEND_BATCH_MESSAGE of `count` messages of `bodyBytes` each, as the Java client packs them. */
export function batchFrame({ count, bodyBytes, topic, queueId, opaque }) {
  const properties = Buffer.from(
    `UNIQ_KEY\u0001${UNIQ_KEY}\u0002WAIT\u0001true\u0002TAGS\u0001TagA\u0002`,
  );
  const one = Buffer.alloc(20 + bodyBytes + 2 + properties.length, 'x');
  [one.length, 0, 0, 0, bodyBytes].forEach((word, i) => one.writeInt32BE(word, i * 4));
  one.writeInt16BE(properties.length, 20 + bodyBytes);
  properties.copy(one, 22 + bodyBytes);
  const ext = {
    a: 'bench',
    b: topic,
    c: 'TBW102',
    d: '4',
    e: String(queueId),
    f: '0',
    g: String(Date.now()),
    h: '0',
    i: 'WAIT\u0001true\u0002',
    j: '0',
    k: 'false',
    m: 'true',
  };
  return frame('json', 320, opaque, ext, Buffer.concat(Array.from({ length: count }, () => one)));
}

/** PULL_MESSAGE of up to 32 messages. */
export function pullFrame({ topic, queueId, offset, opaque }) {
  return frame('json', 11, opaque, {
    consumerGroup: 'bench',
    topic,
    queueId: String(queueId),
    queueOffset: String(offset),
    maxMsgNums: '32',
    sysFlag: '4',
    commitOffset: '0',
    suspendTimeoutMillis: '15000',
    subscription: '*',
    subVersion: '0',
    expressionType: 'TAG',
  });
}

/** END_TRANSACTION that commits, two-way so that its answer can be checked. */
export function commitFrame({ opaque, queueOffset, position }) {
  return frame('json', 37, opaque, {
    producerGroup: 'bench',
    tranStateTableOffset: String(queueOffset),
    commitLogOffset: String(position),
    commitOrRollback: '8',
    fromTransactionCheck: 'false',
    msgId: UNIQ_KEY,
    transactionId: UNIQ_KEY,
  });
}

/** UPDATE_AND_CREATE_TOPIC. */
export function createTopicFrame({ topic, queues, opaque }) {
  return frame('json', 17, opaque, {
    topic,
    defaultTopic: 'TBW102',
    readQueueNums: String(queues),
    writeQueueNums: String(queues),
    perm: '6',
    topicFilterType: 'SINGLE_TAG',
    topicSysFlag: '0',
    order: 'false',
  });
}

/** REGISTER_BROKER with its topics. */
export function registerFrame({ name, address, topics, version, opaque }) {
  const config = (topicName) => ({
    topicName,
    readQueueNums: 8,
    writeQueueNums: 8,
    perm: 6,
    topicFilterType: 'SINGLE_TAG',
    topicSysFlag: 0,
    order: false,
  });
  const body = {
    topicConfigSerializeWrapper: {
      topicConfigTable: Object.fromEntries(topics.map((topic) => [topic, config(topic)])),
      dataVersion: { counter: version, timestamp: 1_700_000_000_000 },
    },
    filterServerList: [],
  };
  const ext = {
    brokerName: name,
    brokerAddr: address,
    clusterName: 'bench',
    haServerAddr: address,
    brokerId: '0',
    compressed: 'false',
    bodyCrc32: '0',
  };
  return frame('json', 103, opaque, ext, Buffer.from(JSON.stringify(body)));
}

/** GET_ROUTEINFO_BY_TOPIC. */
export function routeFrame({ topic, opaque }) {
  return frame('json', 105, opaque, { topic, acceptStandardJsonOnly: 'true' });
}

/** GET_BROKER_CLUSTER_INFO. */
export function clusterFrame({ opaque }) {
  return frame('json', 106, opaque, {});
}
