import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Injectable, ValidationPipe, type INestApplicationContext } from '@nestjs/common';
import { APP_PIPE } from '@nestjs/core';
import { IsString } from 'class-validator';
import {
  ConsumeResult,
  MessageContext,
  MessagePayload,
  RawMessage,
  type RocketMQContext,
  RocketMQListener,
  RocketMQTemplate,
  type RocketMQListenerOptions,
  type StoredMessage,
} from 'nestjs-rocketmq';
import { LogLines, startNest } from './nest-on-embedded.js';
import { modes, outcomeCases, type Mode } from './outcome-cases.js';
import { createTopic } from './registration.js';

/** Servers with delay levels of a second. */
export interface OutcomeServers {
  readonly nameServers: string | readonly string[];
  readonly brokerAddress: string;
  /** A folder for offset files. */
  readonly dir: string;
}

/** Nest's log as lines, with the details of structured ones. */
class FullLines extends LogLines {
  override warn(...all: unknown[]): void {
    this.lines.push(`warn ${all.map(shown).join(' ')}`);
  }

  override error(...all: unknown[]): void {
    this.lines.push(`error ${all.map(shown).join(' ')}`);
  }
}

function shown(part: unknown): string {
  return part instanceof Error || typeof part !== 'object' ? String(part) : JSON.stringify(part);
}

/** An alias, because the compiler wants to keep the class of a decorated parameter. */
type Context = RocketMQContext;

class Text {
  @IsString()
  text!: string;
}

/** What happened, by the key of the message. */
export class Seen {
  readonly calls = new Map<string, number>();
  readonly errors = new Map<string, number>();
  readonly buried = new Map<string, string[]>();
  /** What lies in the dead letters: the body of each. */
  readonly dead = new Map<string, string>();

  called(keys: readonly string[]): void {
    for (const key of keys) add(this.calls, key);
  }

  failed(context: RocketMQContext): void {
    for (const { keys } of context.messages) add(this.errors, keys[0] ?? '');
  }

  bury(context: RocketMQContext, reason: string): void {
    const key = context.keys[0] ?? '';
    this.buried.set(key, [...(this.buried.get(key) ?? []), reason]);
  }
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

const optionsOf: Record<Mode, Partial<RocketMQListenerOptions>> = {
  concurrent: {},
  orderly: { mode: 'orderly', suspend: 50 },
  broadcast: { model: 'broadcasting' },
};

const topics = ['single', 'slow', 'acknowledged', 'each'] as const;
const groups = ['single', 'slow', 'batch'] as const;
export const topicOf = (kind: (typeof topics)[number], mode: Mode): string => `${kind}-${mode}`;
const groupOf = (kind: (typeof groups)[number], mode: Mode): string => `g-${kind}-${mode}`;
const deadLetters = modes.flatMap((mode) => groups.map((kind) => `%DLQ%${groupOf(kind, mode)}`));

/** The listeners of one mode. */
function listenersOf(mode: Mode, seen: Seen): new () => object {
  const own = optionsOf[mode];

  @Injectable()
  class Listeners {
    @RocketMQListener({
      id: topicOf('single', mode),
      topic: topicOf('single', mode),
      group: groupOf('single', mode),
      maxReconsumeTimes: 2,
      ...own,
    })
    onSingle(@MessagePayload() _: Text, @MessageContext() context: Context): unknown {
      return this.act(context);
    }

    @RocketMQListener({
      id: topicOf('slow', mode),
      topic: topicOf('slow', mode),
      group: groupOf('slow', mode),
      consumeTimeout: '1s',
      ...own,
    })
    onSlow(@MessageContext() context: Context): unknown {
      return this.act(context);
    }

    @RocketMQListener({
      id: topicOf('acknowledged', mode),
      topic: topicOf('acknowledged', mode),
      group: groupOf('batch', mode),
      batch: { maxSize: 3, maxWait: '1s' },
      ...own,
    })
    onAcknowledged(@MessageContext() context: Context): void {
      const names = this.names(context);
      context.acknowledge(names.indexOf('b') < 0 ? names.length : names.indexOf('b'));
      const rest = context.messages.slice(context.acknowledged);
      if (rest.some(({ reconsumeTimes }) => reconsumeTimes === 0)) throw new Error('half done');
    }

    @RocketMQListener({
      id: topicOf('each', mode),
      topic: topicOf('each', mode),
      group: groupOf('batch', mode),
      batch: { maxSize: 3, maxWait: '1s' },
      ...own,
    })
    onEach(@MessageContext() context: Context): unknown[] {
      return this.names(context).map((name, at) => {
        if (name === 'c') return ConsumeResult.deadLetter('c');
        const isFirst = context.messages[at]?.reconsumeTimes === 0;
        return name === 'b' && isFirst ? ConsumeResult.retryLater({ delayLevel: 1 }) : undefined;
      });
    }

    private act(context: RocketMQContext): unknown {
      const [key = ''] = context.keys;
      seen.called([key]);
      const found = outcomeCases.find(({ name }) => key === keyOf(name, mode));
      return found?.act(context, labelOf(found.name, mode));
    }

    private names(context: RocketMQContext): string[] {
      const keys = context.messages.map((message) => message.keys[0] ?? '');
      seen.called(keys);
      return keys.map((key) => key.split('/').at(-1) ?? '');
    }
  }
  return Listeners;
}

export const keyOf = (name: string, mode: Mode): string => `${mode}/${name.replaceAll(' ', '-')}`;
export const labelOf = (name: string, mode: Mode): string => `label of ${keyOf(name, mode)}.`;

/** Every listener of the table, on servers that were started for it. */
export async function startOutcomes(servers: OutcomeServers): Promise<{
  readonly app: INestApplicationContext;
  readonly template: RocketMQTemplate;
  readonly logger: LogLines;
  readonly seen: Seen;
}> {
  const seen = new Seen();
  const logger = new FullLines();

  @Injectable()
  class Undertaker {
    @RocketMQListener({ topic: deadLetters, group: 'undertaker' })
    onDead(@RawMessage() raw: StoredMessage): void {
      seen.dead.set(raw.keys[0] ?? '', raw.text);
    }
  }

  const all = modes.flatMap((mode) => topics.map((kind) => topicOf(kind, mode)));
  for (const topic of [...all, ...deadLetters]) {
    await createTopic(servers.brokerAddress, topic, 1);
  }
  const app = await startNest(
    servers,
    {
      providers: [
        ...modes.map((mode) => listenersOf(mode, seen)),
        Undertaker,
        { provide: APP_PIPE, useValue: new ValidationPipe({ transform: true }) },
      ],
    },
    {
      consumer: {
        from: 'first',
        offsetDirectory: join(servers.dir, randomUUID()),
        onError: (_, context) => seen.failed(context),
        onDeadLetter: (context, reason) => seen.bury(context, reason),
      },
    },
    logger,
  );
  return { app, template: app.get(RocketMQTemplate), logger, seen };
}
