import {
  AddWritePermOfBroker,
  BrokerHeartbeat,
  DeleteKvConfig,
  DeleteTopicInNamesrv,
  GetAllTopicListFromNameserver,
  GetBrokerClusterInfo,
  GetBrokerMemberGroup,
  GetKvConfig,
  GetKvlistByNamespace,
  GetNamesrvConfig,
  GetRouteinfoByTopic,
  GetSystemTopicListFromNs,
  GetTopicsByCluster,
  PutKvConfig,
  QueryDataVersion,
  RegisterBroker,
  RegisterTopicInNamesrv,
  requestCodes,
  UnregisterBroker,
  UpdateNamesrvConfig,
  WipeWritePermOfBroker,
} from '@nestjs-rocketmq/protocol';
import type { RequestName } from '@nestjs-rocketmq/protocol';
import { Router } from '@nestjs-rocketmq/remoting';
import type { AdminProcessor } from './admin/admin.processor.js';
import type { RegistrationProcessor } from './registration/registration.processor.js';
import type { RouteProcessor } from './route/route.processor.js';

/** What Apache's nameserver answers and this one does not yet. */
const notBuilt: readonly RequestName[] = [
  'GET_UNIT_TOPIC_LIST',
  'GET_HAS_UNIT_SUB_TOPIC_LIST',
  'GET_HAS_UNIT_SUB_UNUNIT_TOPIC_LIST',
];

export interface NameserverProcessors {
  readonly route: RouteProcessor;
  readonly registration: RegistrationProcessor;
  readonly admin: AdminProcessor;
}

/** Every request code that a nameserver answers, a line each; all others are refused by name. */
export function nameserverRouter({ route, registration, admin }: NameserverProcessors): Router {
  const router = new Router()
    .route(GetRouteinfoByTopic, route.routeOfTopic)
    .route(GetBrokerClusterInfo, route.clusterInfo)
    .route(GetAllTopicListFromNameserver, route.allTopics)
    .route(GetTopicsByCluster, route.topicsOfCluster)
    .route(GetSystemTopicListFromNs, route.systemTopics)
    .route(GetBrokerMemberGroup, route.members)

    .route(RegisterBroker, registration.register)
    .route(UnregisterBroker, registration.unregister)
    .route(BrokerHeartbeat, registration.heartbeat)
    .route(QueryDataVersion, registration.queryDataVersion)
    .route(WipeWritePermOfBroker, registration.wipeWritePermission)
    .route(AddWritePermOfBroker, registration.addWritePermission)
    .route(DeleteTopicInNamesrv, registration.deleteTopic)
    .route(RegisterTopicInNamesrv, registration.registerTopic)

    .route(PutKvConfig, admin.putKv)
    .route(GetKvConfig, admin.getKv)
    .route(DeleteKvConfig, admin.deleteKv)
    .route(GetKvlistByNamespace, admin.listKv)
    .route(UpdateNamesrvConfig, admin.updateConfig)
    .route(GetNamesrvConfig, admin.getConfig);
  for (const name of notBuilt) router.refuse(requestCodes[name], name, 'which is not built yet');
  for (const [name, code] of Object.entries(requestCodes)) {
    if (router.find(code) === undefined) router.refuse(code, name, 'which a nameserver has not');
  }
  return router;
}
