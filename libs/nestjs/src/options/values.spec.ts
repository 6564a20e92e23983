import { Injectable } from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { RocketMQListener, type SettingSource } from '../index.js';
import { DelayLevels } from './delay-levels.js';
import { refusal, startApplication, testOptions } from '../testing/test-application.js';

@Injectable()
class Configured {
  @RocketMQListener({
    topic: '${orders.topic:orders}',
    group: '${orders.group}',
    tags: (source: SettingSource) => `${String(source.get('orders.tag'))} || placed`,
    concurrency: '${orders.concurrency}',
    consumeTimeout: '${orders.patience:15m}',
    enabled: (source: SettingSource) =>
      source.resolve(ConfigService).get('orders.enabled') === true,
  })
  onOrder(): void {}
}

const values = {
  orders: { group: 'payments', tag: 'paid', concurrency: 3, enabled: true },
};

describe('values of a listener', () => {
  it('come from the ConfigService, from functions, and from defaults', async () => {
    const imports = [ConfigModule.forRoot({ ignoreEnvFile: true, load: [() => values] })];
    const { app, clients } = await startApplication({ imports, providers: [Configured] });
    expect(clients.consumer('payments').options).toMatchObject({
      subscriptions: [{ topic: 'orders', expression: 'paid || placed' }],
      concurrency: 3,
      consumeTimeout: 15 * 60_000,
    });
    await app.close();
  });

  it('come from resolveValue when the module has one', async () => {
    @Injectable()
    class Listener {
      @RocketMQListener({ topic: 'shop-${region}-orders', group: '${group}' })
      onOrder(): void {}
    }
    const given: Record<string, string> = { region: 'eu', group: 'g' };
    const options = { ...testOptions, resolveValue: (name: string) => given[name] };
    const { app, clients } = await startApplication({ providers: [Listener] }, options);
    expect(clients.consumer('g').options.subscriptions[0]?.topic).toBe('shop-eu-orders');
    await app.close();
  });

  it('refuses a placeholder without a value and says where to set it', async () => {
    @Injectable()
    class Listener {
      @RocketMQListener({ topic: '${orders.topic}', group: 'g' })
      onOrder(): void {}
    }
    const error = await refusal({ providers: [Listener] });
    expect(error.codes).toEqual(['ROCKETMQ_PLACEHOLDER_UNRESOLVED']);
    expect(error.message).toContain(
      "Listener.onOrder (@RocketMQListener): nothing is configured under 'orders.topic'",
    );
    expect(error.message).toContain("'${orders.topic:...}'");
  });

  it('refuses a function that fails', async () => {
    @Injectable()
    class Listener {
      @RocketMQListener({ topic: 'orders', group: (source) => source.resolve<string>('NOWHERE') })
      onOrder(): void {}
    }
    const error = await refusal({ providers: [Listener] });
    expect(error.codes).toContain('ROCKETMQ_OPTION_INVALID');
    expect(error.message).toContain("the function given as 'group' failed");
  });
});

describe('delay levels', () => {
  it.each([
    [0, 1],
    [1_000, 1],
    ['1001ms', 2],
    ['10s', 3],
    ['11s', 4],
    ['2h', 18],
    ['3h', undefined],
    ['soon', undefined],
    [-1, undefined],
  ])('rounds %s up to level %s', (delay, level) => {
    expect(new DelayLevels().levelFor(delay)).toBe(level);
  });

  it('follows the table of the broker, in any order', () => {
    const levels = new DelayLevels('1h 2s 30s');
    expect([levels.levelFor('2s'), levels.levelFor('3s'), levels.levelFor('31s')]).toEqual([
      2, 3, 1,
    ]);
    expect(levels.last).toBe(1);
  });
});
