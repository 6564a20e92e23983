import type { TopicRouteData } from '@nestjs-rocketmq/protocol';

type Route = Omit<TopicRouteData, 'orderTopicConf'>;

const masterId = '0';

/** The zone that a client wants to stay in; undefined when it takes all brokers. */
export function askedZone(
  zoneMode: string | undefined,
  zoneName: string | undefined,
): string | undefined {
  if (zoneMode === undefined || zoneMode.toLowerCase() !== 'true') return undefined;
  const zone = zoneName?.trim();
  return zone === '' ? undefined : zone;
}

/**
 * The part of a route that lies in a zone. A broker name without a master stays: what it holds must
 * be read from wherever its slaves are. Rules: `ZoneRouteRPCHook` of 5.3.3.
 */
export function nearby(route: Route, zone: string): Route {
  const wanted = zone.toLowerCase();
  const brokerDatas = route.brokerDatas.filter(
    ({ brokerAddrs, zoneName }) =>
      brokerAddrs[masterId] === undefined || zoneName?.toLowerCase() === wanted,
  );
  const kept = new Set(brokerDatas.map(({ brokerName }) => brokerName));
  const queueDatas = route.queueDatas.filter(({ brokerName }) => kept.has(brokerName));
  return { ...route, brokerDatas, queueDatas };
}
