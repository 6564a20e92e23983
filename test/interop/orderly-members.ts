import { appendFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { JavaPeer, RunningProgram, type ClientVersion } from '../support/java.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const program = join(root, 'test/support/programs/orderly-member.mjs');

export interface Group {
  readonly nameServers: string;
  readonly group: string;
  readonly topic: string;
  /** The file to which all members append. */
  readonly history: string;
}

/** A place in the group: a process that may be there or not, ours or of a Java client. */
export interface Seat {
  readonly name: string;
  readonly isTaken: boolean;
  join(): Promise<void>;
  leave(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
}

abstract class NotingSeat implements Seat {
  private member = '';
  private times = 0;
  isTaken = false;

  constructor(
    readonly name: string,
    protected readonly of: Group,
  ) {}

  async join(): Promise<void> {
    this.member = `${this.name}.${(this.times += 1)}`;
    this.isTaken = true;
    this.note('join');
    await this.begin(this.member);
  }

  async leave(): Promise<void> {
    this.note('leave');
    this.isTaken = false;
    await this.end(this.member);
  }

  async kill(): Promise<void> {
    this.note('kill');
    this.isTaken = false;
    await this.killNow();
  }

  protected abstract begin(member: string): Promise<void>;
  protected abstract end(member: string): Promise<void>;
  protected abstract killNow(): Promise<void>;

  private note(change: string): void {
    appendFileSync(this.of.history, `! ${change} ${this.member}\n`);
  }
}

/** A process of ours: orderly-member.mjs, on built packages. */
export class OurSeat extends NotingSeat {
  private running: RunningProgram | undefined;

  protected async begin(member: string): Promise<void> {
    const { nameServers, group, topic, history } = this.of;
    const args = [program, nameServers, group, topic, history, member];
    this.running = RunningProgram.start(member, process.execPath, args, { cwd: root });
    await this.running.untilLine('ready');
  }

  protected async end(): Promise<void> {
    await this.running?.stop();
  }

  protected async killNow(): Promise<void> {
    await this.running?.kill();
  }
}

/** A Java client; its JVM lives on when the member leaves, and hosts the next one. */
export class JavaSeat extends NotingSeat {
  private peer: JavaPeer | undefined;

  constructor(
    private readonly version: ClientVersion,
    of: Group,
  ) {
    super(`java-${version}`, of);
  }

  protected async begin(member: string): Promise<void> {
    const { nameServers, group, topic, history } = this.of;
    this.peer ??= await JavaPeer.start(this.version);
    await this.peer.run('push', { id: member, ns: nameServers, group, topic, history });
  }

  protected async end(member: string): Promise<void> {
    await this.peer?.run('stop', { id: member });
  }

  protected async killNow(): Promise<void> {
    await this.peer?.program.kill();
    this.peer = undefined;
  }

  /** When all is over. */
  async close(): Promise<void> {
    await this.peer?.program.kill();
  }
}
