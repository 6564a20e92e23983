import 'reflect-metadata';
import { Injectable, Module, Scope, ValidationPipe, type Type } from '@nestjs/common';
import { APP_PIPE } from '@nestjs/core';
import {
  InjectRocketMQTemplate,
  MessagePayload,
  RocketMQListener,
  RocketMQTemplate,
  RocketMQTransactionListener,
} from './index.js';
import { FakeClients } from './testing/fake-client.js';
import { refusal, startApplication, startWith, testOptions } from './testing/test-application.js';

/** The class `Payments` with one method `onOrder`, decorated as a user would. */
function payments(options: object): Type<object> {
  @Injectable()
  class Payments {
    @RocketMQListener(options as never)
    onOrder(_order: unknown): void {}
  }
  return Payments;
}

function transactionListener(name: string, options: object): Type<object> {
  class Listener {
    check() {
      return 'commit' as const;
    }
  }
  Object.defineProperty(Listener, 'name', { value: name });
  RocketMQTransactionListener(options)(Listener);
  return Listener;
}

/** A method whose payload is a class that was imported with `import type`: only `Function` is left. */
function withLostClass(...pipes: ValidationPipe[]): Type<object> {
  @Injectable()
  class Payments {
    @RocketMQListener({ topic: 'orders', group: 'g' })
    onOrder(@MessagePayload(...pipes) _order: object): void {}
  }
  Reflect.defineMetadata('design:paramtypes', [Function], Payments.prototype, 'onOrder');
  return Payments;
}

const globalPipe = { provide: APP_PIPE, useValue: new ValidationPipe() };
const method = 'Payments.onOrder (@RocketMQListener)';

describe('what cannot work is refused with class, method and remedy:', () => {
  it.each([
    [
      'an unknown connection',
      [payments({ topic: 'orders', group: 'g', connection: 'archive' })],
      'ROCKETMQ_CONNECTION_UNKNOWN',
      [method, "connections: { 'archive': { nameServers } }"],
    ],
    [
      'a missing group',
      [payments({ topic: 'orders' })],
      'ROCKETMQ_GROUP_MISSING',
      [method, "group: 'payments'"],
    ],
    [
      'one group with two subscriptions',
      [
        payments({ topic: 'orders', group: 'g', tags: 'a' }),
        payments({ topic: 'orders', group: 'g', tags: 'b' }),
      ],
      'ROCKETMQ_SUBSCRIPTIONS_DIFFER',
      ['Payments.onOrder and Payments.onOrder', 'a group of its own'],
    ],
    [
      'two transaction listeners for one topic',
      [
        transactionListener('A', { topic: 'orders' }),
        transactionListener('B', { topic: 'orders' }),
      ],
      'ROCKETMQ_TRANSACTION_LISTENER_TWICE',
      ['A (@RocketMQTransactionListener) and B', 'different topics'],
    ],
    [
      'a batch larger than what is pulled',
      [payments({ topic: 'orders', group: 'g', batch: 64 })],
      'ROCKETMQ_BATCH_OVER_PULL',
      [method, 'raise pullBatchSize'],
    ],
    [
      'orderly with broadcasting',
      [payments({ topic: 'orders', group: 'g', mode: 'orderly', model: 'broadcasting' })],
      'ROCKETMQ_ORDERLY_BROADCAST',
      [method, 'drop one of the two'],
    ],
    [
      "Spring's name of an attribute",
      [payments({ topic: 'orders', consumerGroup: 'g', group: 'g' })],
      'ROCKETMQ_SPRING_NAME',
      [method, "write 'group'"],
    ],
    [
      'a payload to be validated whose class is a type only',
      [withLostClass(new ValidationPipe())],
      'ROCKETMQ_PAYLOAD_TYPE_MISSING',
      [method, "import it without 'type'"],
    ],
    [
      'the same under a pipe of the whole application',
      [withLostClass(), globalPipe],
      'ROCKETMQ_PAYLOAD_TYPE_MISSING',
      [method, "import it without 'type'"],
    ],
  ])('%s', async (_, providers, code, told) => {
    const error = await refusal({ providers });
    // A second listener of the same class would only be a second id.
    expect(error.codes.filter((one) => one !== 'ROCKETMQ_LISTENER_ID_TWICE')).toEqual([code]);
    for (const part of told) expect(error.message).toContain(part);
  });

  it.each([
    ['pushConsumer', { pushConsumer: {} }, 'write consumer: { ... }'],
    ['pullConsumer', { pullConsumer: {} }, 'write pullConsumers: { name: { group, topic } }'],
  ])("Spring's name %s of the module options", async (_, more, told) => {
    const error = await refusal({}, { ...testOptions, ...more } as never);
    expect(error.codes).toEqual(['ROCKETMQ_SPRING_NAME']);
    expect(error.message).toContain(told);
  });

  it('a template that is used after the close', async () => {
    const { app } = await startApplication({});
    const template = app.get(RocketMQTemplate);
    await app.close();
    await expect(template.send('orders', {})).rejects.toMatchObject({
      code: 'ROCKETMQ_CLOSED',
      message: expect.stringMatching(/connection 'default'.*send before app\.close\(\)/) as string,
    });
  });

  it('a template without the module, where Nest names class and place', async () => {
    @Injectable()
    class Orders {
      constructor(readonly template: RocketMQTemplate) {}
    }
    const start = startWith({ providers: [Orders] }, new FakeClients());
    await expect(start).rejects.toThrow(/Orders \(\?\).*RocketMQTemplate at index \[0\]/);
    const listed = startWith({ providers: [Orders, RocketMQTemplate] }, new FakeClients());
    await expect(listed).rejects.toThrow(/RocketMQTemplate/);
  });

  it('a template of an unknown connection, where Nest names class and place, and we the remedy', async () => {
    @Injectable()
    class Orders {
      constructor(@InjectRocketMQTemplate('archive') readonly template: RocketMQTemplate) {}
    }
    await expect(startApplication({ providers: [Orders] })).rejects.toThrow(
      /Orders \(\?\).*'archive' \(from connections of RocketMQModule\.forRoot, or from forFeature\)/,
    );
  });
});

const decorate = (group: string): MethodDecorator => RocketMQListener({ topic: group, group });

@Injectable()
class Listening {
  @decorate('first')
  onFirst(): void {}

  @decorate('second')
  onSecond(): void {}
}

@Injectable()
class Overriding extends Listening {
  override onFirst(): void {}
}

@Injectable()
@RocketMQListener({ topic: 'orders', group: 'g' })
class ClassForm {
  onMessage(): void {}
}

@Injectable()
class Subclass extends ClassForm {}

@Injectable({ scope: Scope.REQUEST })
class PerMessage {
  @decorate('first')
  onFirst(): void {}

  @decorate('second')
  @decorate('third')
  onSecond(): void {}
}

@Injectable({ scope: Scope.REQUEST })
class PerTransaction {
  check() {
    return 'commit' as const;
  }
}
RocketMQTransactionListener({ topic: 'orders' })(PerTransaction);

/** Modules of these names that each list the provider. */
function modulesWith(provider: Type<object>, ...names: string[]): Type<object>[] {
  return names.map((name) => {
    class Room {}
    Object.defineProperty(Room, 'name', { value: name });
    Module({ providers: [provider] })(Room);
    return Room;
  });
}

describe('what surprises is told once:', () => {
  it.each([
    [
      'a provider of several modules',
      Listening,
      ['A', 'B', 'C'],
      /^warn Listening is provided by several modules \(A, B, C\); .* List it in one module/,
    ],
    [
      'a method that overrides a listener',
      Overriding,
      ['A'],
      /^warn Overriding\.onFirst overrides .* Put it on Overriding\.onFirst too/,
    ],
    [
      'a subclass of a decorated class, though two modules provide it',
      Subclass,
      ['A', 'B'],
      /^warn Subclass extends a class with @RocketMQListener, .* Put it on the subclass too/,
    ],
    [
      'a request-scoped class with several listeners',
      PerMessage,
      ['A'],
      /^warn PerMessage\.onFirst and PerMessage\.onSecond: .* leave the scope out/,
    ],
    [
      'a request-scoped transaction listener',
      PerTransaction,
      ['A'],
      /^warn PerTransaction: .* leave the scope out/,
    ],
  ])('%s', async (_, provider, names, told) => {
    const { app, logger } = await startApplication({ imports: modulesWith(provider, ...names) });
    const warnings = logger.of('warn');
    await app.close();
    expect(warnings).toEqual([expect.stringMatching(told)]);
  });
});
