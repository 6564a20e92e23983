import { silentLogger } from '@nestjs-rocketmq/foundation';
import type { FileSystem } from '@nestjs-rocketmq/foundation';
import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import { requestCodes } from '@nestjs-rocketmq/protocol';
import { AdminProcessor } from './admin/admin.processor.js';
import { KvConfigTable } from './admin/kv-config.table.js';
import { RunningSettings } from './admin/running-settings.js';
import { loadNameserverOptions } from './nameserver.config.js';
import { nameserverRouter } from './nameserver.routes.js';
import { RegistrationProcessor } from './registration/registration.processor.js';
import { RouteProcessor } from './route/route.processor.js';
import { RouteTable } from './route/route-table.js';

/** No file is there, and none is written here. */
const nothing = { readText: () => undefined } as unknown as FileSystem;

describe('the routes of a nameserver', () => {
  const options = loadNameserverOptions({}, { unknown: 'refuse', logger: silentLogger });
  const kvConfig = new KvConfigTable(nothing, 'kvConfig.json');
  const settings = new RunningSettings(options, nothing, silentLogger);
  const [table, clock] = [new RouteTable(), new ManualClock()];
  const router = nameserverRouter({
    route: new RouteProcessor(table, kvConfig, settings, clock),
    registration: new RegistrationProcessor(table, kvConfig, settings, clock, silentLogger),
    admin: new AdminProcessor(kvConfig, settings),
  });

  it('answer what Apache lists for a nameserver', () => {
    const answered = [...router.all()].filter(([, route]) => route.kind !== 'refused');
    const codes = answered.map(([code]) => code).toSorted((a, b) => a - b);
    const [keyValues, brokers] = ['100 101 102', '103 104 105 106 205 206 216 217 219 224 304'];
    expect(codes.join(' ')).toBe(`${keyValues} ${brokers} 311 312 313 318 319 322 327 901 904`);
  });

  it('refuse every other request code that RocketMQ knows, by name', () => {
    for (const [name, code] of Object.entries(requestCodes)) {
      const route = router.find(code);
      if (route?.kind === 'refused') expect(route.name).toBe(name);
      else expect(route?.definition.name).toBe(name);
    }
  });

  it('say of the rest that it is not theirs', () => {
    expect(router.find(10)).toMatchObject({ reason: 'which a nameserver has not' });
  });
});
