import { brokerMembers, clusterInfo, topicList, topicRouteBody } from '../bodies/route-data.js';
import { json } from '../command/body-codec.js';
import { defineCommand } from '../command/define-command.js';
import { bool, text } from '../command/header-schema.js';

/** Where a topic lives; TOPIC_NOT_EXIST when the nameserver does not know it. */
export const GetRouteinfoByTopic = defineCommand({
  code: 105,
  name: 'GET_ROUTEINFO_BY_TOPIC',
  needs: 'read',
  asks: {
    topic: text().names('topic'),
    /** The caller does not read bare integer keys. */
    acceptStandardJsonOnly: bool().optional(),
    /** With `true` the caller wants to stay in its zone. */
    zoneMode: text().optional().onWire('__ZONE_MODE'),
    zoneName: text().optional().onWire('__ZONE_NAME'),
  },
  answerBody: topicRouteBody,
  outcomes: ['SUCCESS', 'TOPIC_NOT_EXIST'],
});

export const GetBrokerClusterInfo = defineCommand({
  code: 106,
  name: 'GET_BROKER_CLUSTER_INFO',
  needs: 'read',
  answerBody: json(clusterInfo),
  outcomes: ['SUCCESS'],
});

export const GetAllTopicListFromNameserver = defineCommand({
  code: 206,
  name: 'GET_ALL_TOPIC_LIST_FROM_NAMESERVER',
  needs: 'read',
  answerBody: json(topicList),
  outcomes: ['SUCCESS'],
});

export const GetTopicsByCluster = defineCommand({
  code: 224,
  name: 'GET_TOPICS_BY_CLUSTER',
  needs: 'read',
  asks: { cluster: text() },
  answerBody: json(topicList),
  outcomes: ['SUCCESS'],
});

/** Names of clusters and brokers (which are topics too), and a broker to ask for its own. */
export const GetSystemTopicListFromNs = defineCommand({
  code: 304,
  name: 'GET_SYSTEM_TOPIC_LIST_FROM_NS',
  needs: 'read',
  answerBody: json(topicList),
  outcomes: ['SUCCESS'],
});

/** Topics with the unit flag. */
export const GetUnitTopicList = defineCommand({
  code: 311,
  name: 'GET_UNIT_TOPIC_LIST',
  needs: 'read',
  answerBody: json(topicList),
  outcomes: ['SUCCESS'],
});

/** Topics with the flag of a unit's subscriptions. */
export const GetHasUnitSubTopicList = defineCommand({
  code: 312,
  name: 'GET_HAS_UNIT_SUB_TOPIC_LIST',
  needs: 'read',
  answerBody: json(topicList),
  outcomes: ['SUCCESS'],
});

/** Those of the former without the unit flag. */
export const GetHasUnitSubUnunitTopicList = defineCommand({
  code: 313,
  name: 'GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST',
  needs: 'read',
  answerBody: json(topicList),
  outcomes: ['SUCCESS'],
});

/** The addresses of one broker name. */
export const GetBrokerMemberGroup = defineCommand({
  code: 901,
  name: 'GET_BROKER_MEMBER_GROUP',
  needs: 'member',
  asks: { clusterName: text(), brokerName: text() },
  answerBody: json(brokerMembers),
  outcomes: ['SUCCESS'],
});
