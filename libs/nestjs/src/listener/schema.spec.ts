import { Injectable, StandardSchemaValidationPipe, type Type } from '@nestjs/common';
import { APP_PIPE } from '@nestjs/core';
import { z } from 'zod';
import { MessagePayload, RocketMQListener } from '../index.js';
import { storedMessage } from '../testing/fake-client.js';
import { startApplication } from '../testing/test-application.js';

const order = { id: 'o1' };

/** What handlers got, as JSON. */
let journal: string[] = [];
beforeEach(() => (journal = []));

async function deliver(provider: Type<object>, payload: unknown, others: object[] = []) {
  const { app, clients } = await startApplication({
    providers: [provider, ...(others as never[])],
  });
  const [verdict] = await clients.consumer('g').deliver(storedMessage(payload));
  await app.close();
  return { verdict };
}

describe('a schema', () => {
  const schema = z.object({ id: z.string(), sum: z.number().default(7) });

  @Injectable()
  class OfTheListener {
    @RocketMQListener({ topic: 'orders', group: 'g', schema })
    handle(payload: object): void {
      journal.push(JSON.stringify(payload));
    }
  }

  @Injectable()
  class OfTheParameter {
    @RocketMQListener({ topic: 'orders', group: 'g' })
    on(@MessagePayload({ schema }) payload: object): void {
      journal.push(JSON.stringify(payload));
    }
  }

  @RocketMQListener({ topic: 'orders', group: 'g', schema })
  @Injectable()
  class OfTheClassForm {
    onMessage(payload: object): void {
      journal.push(JSON.stringify(payload));
    }
  }

  const nests = [{ provide: APP_PIPE, useValue: new StandardSchemaValidationPipe() }];

  it.each([
    ['of the listener', OfTheListener, []],
    ['of the parameter', OfTheParameter, []],
    ['of the class form', OfTheClassForm, []],
    ["of the listener beside Nest's own pipe", OfTheListener, nests],
    ["of the parameter beside Nest's own pipe", OfTheParameter, nests],
  ])('%s runs, and gives the handler what it makes of the payload', async (_, listener, others) => {
    const good = await deliver(listener, order, others);
    expect(good.verdict).toEqual({ kind: 'success' });
    expect(journal.splice(0)).toEqual(['{"id":"o1","sum":7}']);
    const bad = await deliver(listener, { id: 1 }, others);
    expect(bad.verdict).toMatchObject({
      kind: 'dead-letter',
      reason: expect.stringMatching(/id: .*expected string/) as unknown,
    });
    expect(journal).toEqual([]);
  });

  it('of a batch listener is for each payload: a bad one goes alone to the dead letters', async () => {
    @Injectable()
    class Batches {
      @RocketMQListener({ topic: 'orders', group: 'g', batch: 4, schema })
      on(@MessagePayload() payloads: object[]): void {
        journal.push(JSON.stringify(payloads));
      }
    }
    const { app, clients } = await startApplication({ providers: [Batches] });
    const messages = [order, { id: 1 }, { id: 'o2' }].map((payload) => storedMessage(payload));
    const verdicts = await clients.consumer('g').deliver(...messages);
    await app.close();
    expect(verdicts.map(({ kind }) => kind)).toEqual(['success', 'dead-letter', 'success']);
    expect(journal).toEqual(['[{"id":"o1","sum":7},{"id":"o2","sum":7}]']);
  });

  it('that is none is refused at start', async () => {
    @Injectable()
    class Wrong {
      @RocketMQListener({ topic: 'orders', group: 'g', schema: {} as never })
      on(): void {}
    }
    await expect(deliver(Wrong, order)).rejects.toThrow("'schema' must be a Standard Schema");
  });
});

describe('a body that cannot be read', () => {
  it('is told of with listener, topic and content type', async () => {
    @Injectable()
    class Orders {
      @RocketMQListener({ topic: 'orders', group: 'g' })
      on(@MessagePayload() _payload: object): void {}
    }
    const { verdict } = await deliver(Orders, 'no json');
    expect(verdict).toMatchObject({
      kind: 'dead-letter',
      reason: expect.stringContaining(
        "Orders.on cannot read a message of topic 'orders' (content type not told): " +
          'The body is not application/json',
      ) as unknown,
    });
  });
});
