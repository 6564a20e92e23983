import { brokerOptions, idleBrokerOptions } from '@nestjs-rocketmq/broker';
import { idleNameserverOptions, nameserverOptions } from '@nestjs-rocketmq/nameserver';
import { storeOptions } from '@nestjs-rocketmq/store';
import { prepareJava, serverVersions, startJava, type ServerVersion } from '../support/java.js';

interface Settings {
  event: string;
  config: string;
  /** What a file can set, with its type. */
  keys: Record<string, string>;
  /** What the class keeps, by a setter or not; 28 and 26 show it. */
  fields: string[];
}

const jars = new Map<ServerVersion, Settings[]>();

beforeAll(async () => {
  prepareJava();
  for (const version of serverVersions) {
    const program = startJava(version, 'interop.ReadSettings', []);
    await program.success();
    jars.set(version, program.events<Settings>('settings'));
  }
});

function keysOf(version: ServerVersion, configs: readonly string[]): string[] {
  const read = jars.get(version) ?? [];
  return read
    .filter(({ config }) => configs.includes(config))
    .flatMap(({ keys }) => Object.keys(keys));
}

const ofBroker = [
  'BrokerConfig',
  'MessageStoreConfig',
  'NettyServerConfig',
  'NettyClientConfig',
  'AuthConfig',
];
const ofNameserver = [
  'NamesrvConfig',
  'NettyServerConfig',
  'NettyClientConfig',
  'ControllerConfig',
];

describe.each(serverVersions)('the servers of %s', (version) => {
  it('take no setting of a broker that ours does not know', () => {
    const known = new Set([
      ...brokerOptions.names,
      ...storeOptions.names,
      ...idleBrokerOptions.names,
    ]);
    const theirs = keysOf(version, ofBroker);
    expect(theirs.length).toBeGreaterThan(150);
    expect(theirs.filter((key) => !known.has(key))).toEqual([]);
  });

  it('take no setting of a nameserver that ours does not know', () => {
    const known = new Set([...nameserverOptions.names, ...idleNameserverOptions.names]);
    const theirs = keysOf(version, ofNameserver);
    expect(theirs.length).toBeGreaterThan(30);
    expect(theirs.filter((key) => !known.has(key))).toEqual([]);
  });
});

describe('the settings that do nothing here', () => {
  it('are all settings or fields of some version', () => {
    const theirs = new Set(
      [...jars.values()].flat().flatMap(({ keys, fields }) => [...Object.keys(keys), ...fields]),
    );
    const ours = [...idleBrokerOptions.names, ...idleNameserverOptions.names];
    expect(ours.filter((key) => !theirs.has(key))).toEqual([]);
  });
});
