import type { Credentials } from '@nestjs-rocketmq/access';
import {
  defineOptions,
  option,
  type Clock,
  type Logger,
  type OptionTable,
} from '@nestjs-rocketmq/foundation';
import type { HeaderForm } from '@nestjs-rocketmq/protocol';
import type { Network, TlsSetting } from '@nestjs-rocketmq/remoting';

/** A time span: milliseconds, or a text such as `500ms`, `10s`, `15m`. */
export type Duration = number | string;

/** What every producer and consumer takes. Defaults in brackets; Java's names where they differ. */
export interface ClientOptions {
  /** `host:port` of the name servers, separated by `;` or as an array. Java: namesrvAddr. */
  readonly nameServers?: string | readonly string[];
  /**
   * Where the list of name servers is had by HTTP, asked again every two minutes; with `unitName`,
   * `-<unitName>?nofix=1` is appended. Java: rocketmq.namesrv.domain and its path `/rocketmq/nsaddr`.
   */
  readonly nameServerAddressUrl?: string;
  /** Second half of the client id; unique per process and cluster [`<pid>#<random>`]. */
  readonly instanceName?: string;
  /** First half of the client id [an address of this host]. Java: clientIP. */
  readonly clientIp?: string;
  /** Third part of the client id, when set; also chooses the list at `nameServerAddressUrl`. */
  readonly unitName?: string;
  /** Marks sends and subscriptions as those of a unit [false]. */
  readonly unitMode?: boolean;
  /**
   * Set before topics and groups on the wire (`shop%orders`), so that several users of one cluster do
   * not meet; you go on writing and reading plain names. An address such as
   * `http://MQ_INST_1_2.host:80` in `nameServers` brings its own.
   */
  readonly namespace?: string;
  /** Told to brokers with each request, for servers that keep names apart by themselves. */
  readonly namespaceV2?: string;
  /** Asks brokers at their port minus 2, pulls apart [false]. Java: vipChannelEnabled. */
  readonly vipChannelEnabled?: boolean;
  /** Time for one request to a name server or broker, sends and pulls apart [3s]. Java: mqClientApiTimeout. */
  readonly requestTimeout?: Duration;
  /** Time to connect [3s]. */
  readonly connectTimeout?: Duration;
  /** How often routes are asked again [30s]. */
  readonly pollNameServerInterval?: Duration;
  /** How often heartbeats go to the brokers [30s]. */
  readonly heartbeatBrokerInterval?: Duration;
  /**
   * Who asks, where brokers want to know (ACL 1.0 and 2.0), or a function that gives it for each request.
   * Java: AclClientRPCHook.
   */
  readonly credentials?: Credentials;
  /**
   * Secures every connection, to name servers and brokers: `true`, or certificates and names; a function
   * is asked at each connection. Servers are verified. Java: useTLS and the properties tls.client.*.
   */
  readonly tls?: TlsSetting;
  /** How headers are written: `json` (default) or `binary`; brokers answer in the same form. */
  readonly headerForm?: HeaderForm;
  readonly clock?: Clock;
  readonly network?: Network;
  /** Where sentences go; silent by default. */
  readonly logger?: Logger;
}

const aList = (value: unknown): boolean =>
  typeof value === 'string' ||
  (Array.isArray(value) && value.every((item) => typeof item === 'string'));

/** A port or shared object: anything that is an object. */
export const anObject = (meaning: string) =>
  option.object<unknown>({
    meaning,
    is: (value) => typeof value === 'object' && value !== null,
    must: 'must be an object',
  });

/** A function given from code. */
export const aFunction = (meaning: string, required = false) =>
  option.object<unknown>({
    meaning,
    required,
    is: (value) => typeof value === 'function',
    must: 'must be a function',
  });

/** Declarations behind `ClientOptions`. */
export const clientOptionTable = {
  nameServers: option.object<string | readonly string[]>({
    meaning: 'host:port of the name servers, separated by ; or as an array.',
    is: aList,
    must: "must be a text such as 'host1:9876;host2:9876' or an array of such texts",
  }),
  nameServerAddressUrl: option.text({
    meaning:
      'Where the list of name servers is had by HTTP, every two minutes, for example ' +
      'http://host:8080/rocketmq/nsaddr.',
  }),
  instanceName: option.text({ meaning: 'Second half of the client id.' }),
  clientIp: option.text({ meaning: 'First half of the client id.' }),
  unitName: option.text({
    meaning: 'Third part of the client id; also chooses the list at nameServerAddressUrl.',
  }),
  unitMode: option.boolean({
    meaning: 'Marks sends and subscriptions as those of a unit.',
    default: false,
  }),
  namespace: option.text({ meaning: 'Set before topics and groups on the wire.' }),
  namespaceV2: option.text({
    meaning: 'Told to brokers with each request, as the fields nsd and ns.',
  }),
  vipChannelEnabled: option.boolean({
    meaning: 'Asks brokers at their port minus 2, pulls apart.',
    default: false,
  }),
  requestTimeout: option.duration({
    meaning: 'Time for one request to a name server or broker; sends and pulls have their own.',
    default: 3_000,
    min: 1,
  }),
  connectTimeout: option.duration({ meaning: 'Time to connect.', default: 3_000, min: 1 }),
  pollNameServerInterval: option.duration({
    meaning: 'How often routes are asked again.',
    default: 30_000,
    min: 10,
  }),
  heartbeatBrokerInterval: option.duration({
    meaning: 'How often heartbeats go to the brokers.',
    default: 30_000,
    min: 10,
  }),
  credentials: option.object<Credentials>({
    meaning:
      'Who asks: `{ accessKey, secretKey, securityToken? }`, or a function that gives it. ' +
      'Java: AclClientRPCHook.',
    is: (value) => typeof value === 'function' || (typeof value === 'object' && value !== null),
    must: 'must be { accessKey, secretKey } or a function that gives it',
    secret: true,
  }),
  tls: option.object<TlsSetting>({
    meaning:
      'Secures every connection: `true`, or `{ ca, cert, key, passphrase, serverName, verify, ' +
      'minVersion }` with PEM texts, or a function that gives them. Java: useTLS, tls.client.*.',
    is: (value) => ['boolean', 'function', 'object'].includes(typeof value) && value !== null,
    must: 'must be true, { ca, cert, key, ... } or a function that gives them',
    secret: true,
  }),
  headerForm: option.choice(['json', 'binary'], {
    meaning: 'How request headers are written.',
    default: 'json',
  }),
  clock: anObject('The clock; the system clock by default.'),
  network: anObject('The network; TCP by default.'),
  logger: anObject('Where sentences go; silent by default.'),
} satisfies OptionTable;

/** The declared options of a client instance, for pages and checks. */
export const clientOptionSet = defineOptions('client', clientOptionTable);
