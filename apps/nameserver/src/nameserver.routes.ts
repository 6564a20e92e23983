import {
  AddWritePermOfBroker,
  BrokerHeartbeat,
  DeleteKvConfig,
  DeleteTopicInNamesrv,
  GetAllTopicListFromNameserver,
  GetBrokerClusterInfo,
  GetBrokerMemberGroup,
  GetKvConfig,
  GetHasUnitSubTopicList,
  GetHasUnitSubUnunitTopicList,
  GetKvlistByNamespace,
  GetNamesrvConfig,
  GetRouteinfoByTopic,
  GetSystemTopicListFromNs,
  GetTopicsByCluster,
  GetUnitTopicList,
  PutKvConfig,
  QueryDataVersion,
  RegisterBroker,
  RegisterTopicInNamesrv,
  requestCodes,
  UnregisterBroker,
  UpdateNamesrvConfig,
  WipeWritePermOfBroker,
} from '@nestjs-rocketmq/protocol';
import { Router } from '@nestjs-rocketmq/remoting';
import type { AdminProcessor } from './admin/admin.processor.js';
import type { RegistrationProcessor } from './registration/registration.processor.js';
import type { RouteProcessor } from './route/route.processor.js';

export interface NameserverProcessors {
  readonly route: RouteProcessor;
  readonly registration: RegistrationProcessor;
  readonly admin: AdminProcessor;
}

/** Every request code that a nameserver answers, a line each; all others are refused by name. */
export function nameserverRouter({ route, registration, admin }: NameserverProcessors): Router {
  const router = new Router()
    .hotRoute(GetRouteinfoByTopic, route.routeOfTopic)
    .route(GetBrokerClusterInfo, route.clusterInfo)
    .route(GetAllTopicListFromNameserver, route.allTopics)
    .route(GetTopicsByCluster, route.topicsOfCluster)
    .route(GetSystemTopicListFromNs, route.systemTopics)
    .route(GetUnitTopicList, route.unitTopics)
    .route(GetHasUnitSubTopicList, route.unitSubscribedTopics)
    .route(GetHasUnitSubUnunitTopicList, route.unitSubscribedOutsideUnits)
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
  for (const [name, code] of Object.entries(requestCodes)) {
    if (router.find(code) === undefined) router.refuse(code, name, 'which a nameserver has not');
  }
  return router;
}
