import {
  shortStart,
  startProgram,
  type ClientVersion,
  type JavaRun,
  type ServerVersion,
} from './java-programs.js';
import type { ProgramEvent, RunningProgram } from './java-process.js';

export interface SentEvent extends ProgramEvent {
  readonly topic: string;
  readonly body: string;
  readonly status: string;
  readonly msgId: string;
  readonly offsetMsgId: string;
  readonly broker: string;
  readonly queueId: number;
  readonly queueOffset: number;
  readonly transactionId: string | null;
}

export interface ReceivedEvent extends ProgramEvent {
  readonly id: string;
  readonly topic: string;
  readonly body: string;
  readonly tags: string | null;
  readonly keys: string | null;
  readonly msgId: string;
  readonly queueId: number;
  readonly queueOffset: number;
  readonly reconsumeTimes: number;
  readonly sysFlag: number;
  readonly flag: number;
  readonly bodyCrc: number;
  readonly storeSize: number;
  readonly bornTimestamp: number;
  readonly storeTimestamp: number;
  readonly preparedOffset: number;
  readonly at: number;
  readonly properties: Record<string, string>;
}

export interface AdminEvent extends ProgramEvent {
  readonly args: string;
  readonly out: string;
  readonly err: string;
}

type Words = Record<string, string | number | boolean>;

const COMMAND_DEADLINE_MS = 60_000;

/**
 * An official Java client in its own process, steered by commands (see programs/src/interop/Peer.java).
 * Commands run one after the other; what consumers receive is read with `received`.
 */
export class JavaPeer {
  private given = 0;

  private constructor(
    readonly version: ClientVersion | ServerVersion,
    readonly program: RunningProgram,
  ) {}

  static async start(version: ClientVersion | ServerVersion, run: JavaRun = {}): Promise<JavaPeer> {
    // The official default looks for changed members every 20 s only.
    const jvm = [...(run.jvm ?? shortStart), '-Drocketmq.client.rebalance.waitInterval=1000'];
    const program = startProgram(version, 'Peer', {}, { ...run, jvm });
    await program.untilEvents('ready');
    return new JavaPeer(version, program);
  }

  /** Gives a command and waits for its end; returns what was printed meanwhile. Throws when it failed. */
  async run(
    verb: string,
    words: Words = {},
    deadlineMs = COMMAND_DEADLINE_MS,
  ): Promise<ProgramEvent[]> {
    const before = this.program.events().length;
    const number = ++this.given;
    const pairs = Object.entries(words).map(
      ([name, value]) => `${name}=${encodeURIComponent(value)}`,
    );
    this.program.tellProgram([verb, ...pairs].join(' '));
    const end = await this.program.until(`end of ${verb}`, deadlineMs, () => {
      const ends = this.program.events().filter(isEnd);
      return ends.length >= number ? ends[number - 1] : undefined;
    });
    if (end.event === 'failed') {
      throw new Error(`Java ${this.version}: ${verb} failed: ${JSON.stringify(end)}`);
    }
    return this.program.events().slice(before);
  }

  /** Like `run` for sending verbs: the results of the sends, in the order in which they were answered. */
  async send(verb: 'send' | 'batch' | 'transaction', words: Words): Promise<SentEvent[]> {
    const events = await this.run(verb, words);
    return events.filter((event) => event.event === 'sent') as SentEvent[];
  }

  /**
   * Runs one mqadmin command inside the peer's JVM (servers' versions only); `fresh` makes its objects
   * anew, for commands that cannot run twice with the same.
   */
  async admin(args: readonly string[], fresh = false): Promise<AdminEvent> {
    const events = await this.run('admin', { args: args.join('\n'), fresh });
    return events.find((event) => event.event === 'admin') as AdminEvent;
  }

  /** What the named consumer received so far. */
  received(id: string): ReceivedEvent[] {
    return this.program.events<ReceivedEvent>('received').filter((event) => event.id === id);
  }

  /** Waits until the named consumer received `count` messages. */
  untilReceived(id: string, count: number, deadlineMs = 60_000): Promise<ReceivedEvent[]> {
    return this.program.until(`${count} messages at ${id}`, deadlineMs, () => {
      const events = this.received(id);
      return events.length >= count ? events : undefined;
    });
  }

  /** Waits until `count` events of a kind were printed, of whichever producer or consumer. */
  untilEvents(kind: string, count: number, deadlineMs = 60_000): Promise<ProgramEvent[]> {
    return this.program.untilEvents(kind, count, deadlineMs);
  }

  /** The queues the named push consumer owns now, as `topic:broker:queue`, sorted. */
  async queues(id: string): Promise<string[]> {
    const events = await this.run('queues', { id });
    const event = events.find((one) => one.event === 'queues' && one['id'] === id);
    return ((event?.['queues'] ?? []) as string[]).toSorted();
  }

  async close(): Promise<void> {
    if (this.program.ended) return;
    await this.run('quit').catch(() => undefined);
    await this.program.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function isEnd(event: ProgramEvent): boolean {
  return event.event === 'done' || event.event === 'failed';
}
