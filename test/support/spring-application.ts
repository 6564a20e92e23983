import { springModule, shortStart, startProgram } from './java-programs.js';
import type { ReceivedEvent } from './java-peer.js';
import type { ProgramEvent, RunningProgram } from './java-process.js';

const commandDeadline = 90_000;

/** A running Spring Boot application with rocketmq-spring; see interop/java/programs-spring. */
export class SpringApplication {
  private given = 0;

  private constructor(private readonly program: RunningProgram) {}

  static async start(nameServers: string): Promise<SpringApplication> {
    const jvm = [...shortStart, '-Drocketmq.client.rebalance.waitInterval=1000'];
    const program = startProgram(springModule, 'Spring', { ns: nameServers }, { jvm });
    await program.untilEvents('ready', 1, commandDeadline);
    return new SpringApplication(program);
  }

  /** Gives a command and waits for its end; returns what was printed meanwhile. */
  async run(verb: string, words: Record<string, string | number>): Promise<ProgramEvent[]> {
    const before = this.program.events().length;
    const number = (this.given += 1);
    const pairs = Object.entries(words).map(
      ([name, value]) => `${name}=${encodeURIComponent(value)}`,
    );
    this.program.tellProgram([verb, ...pairs].join(' '));
    const end = await this.program.until(`end of ${verb}`, commandDeadline, () => {
      const ends = this.program.events().filter(({ event }) => /^(done|failed)$/.test(event));
      return ends[number - 1];
    });
    if (end.event === 'failed') throw new Error(`Spring: ${verb}: ${JSON.stringify(end)}`);
    return this.program.events().slice(before);
  }

  /** Waits for messages that a listener of the application has got. */
  untilReceived(listener: string, count: number): Promise<ReceivedEvent[]> {
    return this.program.until(`${count} messages at ${listener}`, commandDeadline, () => {
      const all = this.program.events<ReceivedEvent>('received');
      const events = all.filter(({ id }) => id === listener);
      return events.length >= count ? events : undefined;
    });
  }

  untilEvents(kind: string, count = 1): Promise<ProgramEvent[]> {
    return this.program.untilEvents(kind, count, commandDeadline);
  }

  async close(): Promise<void> {
    if (this.program.ended) return;
    this.program.tellProgram('quit');
    await this.program.stop();
  }
}
