import { dataVersion } from '../bodies/common.js';
import { kvTable } from '../bodies/config-tables.js';
import { topicRouteData } from '../bodies/route-data.js';
import { bytes, json, optionalBody } from '../command/body-codec.js';
import { defineCommand } from '../command/define-command.js';
import { bool, int32, int64, text } from '../command/header-schema.js';

const broker = {
  brokerName: text(),
  brokerAddr: text(),
  clusterName: text(),
  /** 0 is the master. */
  brokerId: int64(),
};

/**
 * A broker comes, or beats. The body is read by `decodeRegisterBrokerBody`: its form depends on
 * the version in the header and on its first byte. Source: `RegisterBrokerRequestHeader`.
 */
export const RegisterBroker = defineCommand({
  code: 103,
  name: 'REGISTER_BROKER',
  needs: 'member',
  asks: {
    ...broker,
    haServerAddr: text(),
    /** How long silence means life; absent in 4.x. */
    heartbeatTimeoutMillis: int64().optional(),
    /** Absent in 4.x. */
    enableActingMaster: bool().optional(),
    compressed: bool().default(false),
    /** CRC-32 of the body without the sign bit; 0 means unchecked. */
    bodyCrc32: int32().default(0),
    zoneName: text().optional().onWire('__ZONE_NAME'),
  },
  askBody: bytes(),
  answers: { haServerAddr: text().optional(), masterAddr: text().optional() },
  answerBody: optionalBody(json(kvTable)),
  outcomes: ['SUCCESS'],
});

export const UnregisterBroker = defineCommand({
  code: 104,
  name: 'UNREGISTER_BROKER',
  needs: 'member',
  asks: broker,
  outcomes: ['SUCCESS'],
});

/** Takes the write permission of a broker's topics away in the table of the nameserver. */
export const WipeWritePermOfBroker = defineCommand({
  code: 205,
  name: 'WIPE_WRITE_PERM_OF_BROKER',
  needs: 'update',
  asks: { brokerName: text() },
  answers: { wipeTopicCount: int32() },
  outcomes: ['SUCCESS'],
});

export const DeleteTopicInNamesrv = defineCommand({
  code: 216,
  name: 'DELETE_TOPIC_IN_NAMESRV',
  needs: 'delete',
  asks: { topic: text().names('topic'), clusterName: text().optional() },
  outcomes: ['SUCCESS'],
});

/** A broker announces the queues of one topic. */
export const RegisterTopicInNamesrv = defineCommand({
  code: 217,
  name: 'REGISTER_TOPIC_IN_NAMESRV',
  needs: 'member',
  asks: { topic: text().names('topic') },
  askBody: json(topicRouteData),
  outcomes: ['SUCCESS'],
});

/** Is a registration needed? Asked before it; refreshes the life of the broker. */
export const QueryDataVersion = defineCommand({
  code: 322,
  name: 'QUERY_DATA_VERSION',
  needs: 'member',
  asks: broker,
  askBody: json(dataVersion),
  answers: { changed: bool() },
  answerBody: optionalBody(json(dataVersion)),
  outcomes: ['SUCCESS'],
});

export const AddWritePermOfBroker = defineCommand({
  code: 327,
  name: 'ADD_WRITE_PERM_OF_BROKER',
  needs: 'update',
  asks: { brokerName: text() },
  answers: { addTopicCount: int32() },
  outcomes: ['SUCCESS'],
});

/** A broker lives. */
export const BrokerHeartbeat = defineCommand({
  code: 904,
  name: 'BROKER_HEARTBEAT',
  needs: 'member',
  asks: {
    clusterName: text(),
    brokerAddr: text(),
    brokerName: text(),
    brokerId: int64().optional(),
    epoch: int32().optional(),
    maxOffset: int64().optional(),
    confirmOffset: int64().optional(),
    /** Apache's spelling. */
    heartbeatTimeoutMills: int64().optional(),
    electionPriority: int32().optional(),
  },
  outcomes: ['SUCCESS'],
  oneway: true,
});
