import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import { silentLogger, type Logger } from '@nestjs-rocketmq/foundation';
import type { ClientPort, KnownBroker } from '../client-port.js';
import type { StartupValues } from '../options/module-settings.js';
import { ConnectionWatch } from './connection-watch.js';
import { RocketMQEvents } from './rocketmq-events.js';

/** Servers that come and go as a spec wants. */
class Servers {
  problem: string | undefined;
  brokers: readonly KnownBroker[] = [{ name: 'a', address: 'host:10911' }];
  isReached = true;
  asked = 0;
  private closed: () => void = () => undefined;

  get client(): ClientPort {
    const known = {
      brokers: () => {
        this.asked += 1;
        return this.problem === undefined
          ? Promise.resolve(this.brokers)
          : Promise.reject(new Error(this.problem));
      },
      reaches: () => Promise.resolve(this.isReached),
      onConnectionClosed: (listener: () => void) => void (this.closed = listener),
    };
    return known as unknown as ClientPort;
  }

  hangUp(): void {
    this.closed();
  }
}

const startup: StartupValues = { wait: true, timeout: 5_000, failFast: false };

function watch(servers: Servers, given: Partial<StartupValues> = {}) {
  const clock = new ManualClock();
  const events = new RocketMQEvents();
  const told: string[] = [];
  const logger: Logger = {
    ...silentLogger,
    warn: (sentence) => void told.push(`warn ${sentence}`),
    info: (sentence) => void told.push(`info ${sentence}`),
  };
  events.on('connection-lost', ({ connection, reason }) => told.push(`${connection}: ${reason}`));
  events.on('connection-regained', ({ lostFor }) => told.push(`regained after ${lostFor}`));
  const watched = new ConnectionWatch({
    name: 'default',
    servers: 'host:9876',
    startup: { ...startup, ...given },
    client: servers.client,
    clock,
    events,
    logger,
  });
  return { watched, clock, told };
}

describe('the watch over a connection', () => {
  it('waits at the start until the servers are there', async () => {
    const servers = new Servers();
    servers.problem = 'nobody answers';
    const { watched, clock, told } = watch(servers);
    const begun = watched.begin();
    await clock.advance(1_000);
    servers.problem = undefined;
    await clock.advance(500);
    await begun;
    expect(told).toEqual([]);
    expect(watched.problem).toBeUndefined();
    watched.close();
  });

  it('says one sentence when they do not come, and another when they do', async () => {
    const servers = new Servers();
    servers.problem = 'nobody answers.';
    const { watched, clock, told } = watch(servers);
    const begun = watched.begin();
    await clock.advance(5_000);
    await begun;
    await clock.advance(20_000);
    expect(told).toEqual([
      "warn Connection 'default' (host:9876) cannot be used: nobody answers. The application " +
        'starts all the same and goes on trying (startup: { failFast: true } refuses to start ' +
        'instead).',
      'default: nobody answers.',
    ]);
    expect(watched.problem).toBe('nobody answers.');
    servers.problem = undefined;
    await clock.advance(30_000);
    expect(told.slice(2)).toEqual([
      expect.stringContaining("info Connection 'default' can be used again"),
      expect.stringContaining('regained after'),
    ]);
    expect(watched.problem).toBeUndefined();
    watched.close();
  });

  it('rejects with failFast, and names connection, servers and reason', async () => {
    const servers = new Servers();
    servers.brokers = [];
    const { watched, clock } = watch(servers, { failFast: true, timeout: 1_000 });
    const begun = watched.begin();
    const refused = expect(begun).rejects.toMatchObject({
      code: 'ROCKETMQ_CONNECTION_FAILED',
      message:
        "Connection 'default' (host:9876) could not be used within 1000 ms, and startup.failFast " +
        'wants no start then: its name servers know no broker',
    });
    await clock.advance(1_000);
    await refused;
  });

  it('does not wait when told so, but looks', async () => {
    const servers = new Servers();
    servers.problem = 'nobody answers';
    const { watched, clock, told } = watch(servers, { wait: false });
    await watched.begin();
    expect(servers.asked).toBe(0);
    await clock.advance(1);
    expect(told).toHaveLength(2);
    watched.close();
  });

  it('looks when a connection was closed, and keeps quiet when all is well', async () => {
    const servers = new Servers();
    const { watched, clock, told } = watch(servers);
    await watched.begin();
    servers.hangUp();
    await clock.advance(1_000);
    expect(told).toEqual([]);
    servers.isReached = false;
    servers.hangUp();
    servers.hangUp();
    await clock.advance(1_000);
    expect(told).toEqual([
      "warn Connection 'default' (host:9876) cannot be used: no broker takes a connection " +
        '(a at host:10911) It goes on trying.',
      'default: no broker takes a connection (a at host:10911)',
    ]);
    watched.close();
    const { asked } = servers;
    await clock.advance(120_000);
    expect(servers.asked).toBe(asked);
  });
});
