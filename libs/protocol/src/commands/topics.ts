import {
  groupConfigList,
  groupForbidden,
  subscriptionGroupConfig,
  subscriptionGroupTable,
  topicConfig,
  topicConfigList,
  topicConfigTable,
} from '../bodies/config-tables.js';
import { topicList } from '../bodies/route-data.js';
import { json } from '../command/body-codec.js';
import { defineCommand } from '../command/define-command.js';
import { bool, int32, text } from '../command/header-schema.js';

/** Creates a topic or changes it. Source: `CreateTopicRequestHeader`. */
export const UpdateAndCreateTopic = defineCommand({
  code: 17,
  name: 'UPDATE_AND_CREATE_TOPIC',
  needs: 'create',
  asks: {
    topic: text().names('topic'),
    defaultTopic: text(),
    readQueueNums: int32(),
    writeQueueNums: int32(),
    perm: int32(),
    /** `SINGLE_TAG` or `MULTI_TAG`. */
    topicFilterType: text(),
    topicSysFlag: int32().optional(),
    order: bool().default(false),
    /** `+key=value,-key`. */
    attributes: text().optional(),
    force: bool().default(false),
  },
  outcomes: ['SUCCESS'],
});

export const UpdateAndCreateTopicList = defineCommand({
  code: 18,
  name: 'UPDATE_AND_CREATE_TOPIC_LIST',
  needs: 'create',
  askBody: json(topicConfigList),
  outcomes: ['SUCCESS'],
});

/** All topics of a broker; 5.5 asks page by page, an answer without a total is everything. */
export const GetAllTopicConfig = defineCommand({
  code: 21,
  name: 'GET_ALL_TOPIC_CONFIG',
  needs: 'read',
  asks: {
    topicSeq: int32().optional(),
    /** JSON of a data version; empty when unknown. */
    dataVersion: text().optional(),
    maxTopicNum: int32().optional(),
  },
  answers: { totalTopicNum: int32().optional() },
  answerBody: json(topicConfigTable),
  outcomes: ['SUCCESS'],
});

export const UpdateAndCreateSubscriptiongroup = defineCommand({
  code: 200,
  name: 'UPDATE_AND_CREATE_SUBSCRIPTIONGROUP',
  needs: 'create',
  askBody: json(subscriptionGroupConfig),
  outcomes: ['SUCCESS'],
});

/** All groups of a broker; paged like topics. */
export const GetAllSubscriptiongroupConfig = defineCommand({
  code: 201,
  name: 'GET_ALL_SUBSCRIPTIONGROUP_CONFIG',
  needs: 'read',
  asks: {
    groupSeq: int32().optional(),
    dataVersion: text().optional(),
    maxGroupNum: int32().optional(),
  },
  answers: { totalGroupNum: int32().optional() },
  answerBody: json(subscriptionGroupTable),
  outcomes: ['SUCCESS'],
});

export const DeleteSubscriptiongroup = defineCommand({
  code: 207,
  name: 'DELETE_SUBSCRIPTIONGROUP',
  needs: 'delete',
  asks: {
    groupName: text().names('group'),
    /** Named `removeOffset` by 4.9. */
    cleanOffset: bool().default(false).onWire('cleanOffset', 'removeOffset'),
  },
  outcomes: ['SUCCESS'],
});

export const DeleteTopicInBroker = defineCommand({
  code: 215,
  name: 'DELETE_TOPIC_IN_BROKER',
  needs: 'delete',
  asks: { topic: text().names('topic') },
  outcomes: ['SUCCESS'],
});

export const UpdateAndCreateSubscriptiongroupList = defineCommand({
  code: 225,
  name: 'UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST',
  needs: 'create',
  askBody: json(groupConfigList),
  outcomes: ['SUCCESS'],
});

export const GetSystemTopicListFromBroker = defineCommand({
  code: 305,
  name: 'GET_SYSTEM_TOPIC_LIST_FROM_BROKER',
  needs: 'read',
  answerBody: json(topicList),
  outcomes: ['SUCCESS'],
});

/** One topic; a member `mappingDetail` of static topics is dropped. */
export const GetTopicConfig = defineCommand({
  code: 351,
  name: 'GET_TOPIC_CONFIG',
  needs: 'read',
  asks: { topic: text().names('topic'), lo: bool().optional() },
  answerBody: json(topicConfig),
  outcomes: ['SUCCESS'],
});

export const GetSubscriptiongroupConfig = defineCommand({
  code: 352,
  name: 'GET_SUBSCRIPTIONGROUP_CONFIG',
  needs: 'read',
  asks: { group: text().names('group') },
  answerBody: json(subscriptionGroupConfig),
  outcomes: ['SUCCESS'],
});

/** Whether a group may read a topic; with `readable`, changes it. */
export const UpdateAndGetGroupForbidden = defineCommand({
  code: 353,
  name: 'UPDATE_AND_GET_GROUP_FORBIDDEN',
  needs: 'update',
  asks: {
    group: text().names('group'),
    topic: text().names('topic'),
    readable: bool().optional(),
  },
  answerBody: json(groupForbidden),
  outcomes: ['SUCCESS'],
});
