import { rmSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { deadLetterTopic, retryTopic } from '@nestjs-rocketmq/message';
import { eventually } from '../../support/eventually.js';
import {
  askByHand,
  createTopic,
  freePorts,
  JavaPeer,
  prepareJava,
  temporaryFolder,
  type ClientVersion,
  type RunningProgram,
  type ServerVersion,
} from '../../support/java.js';
import { startOurNameserver } from '../../support/our-servers.js';
import { SeededRandom } from '@nestjs-rocketmq/foundation/testing';
import { Asker } from './asker.js';
import { changedRecords, compare, findAll, type Found, missing, nothingFound } from './checking.js';
import { type Disk, openHalves, placeOf, readDisk } from './disk.js';
import { Journal } from './journal.js';
import { Shelf } from './shelf.js';
import { Steady } from './steady.js';
import { type End, entriesPerQueueFile, open, type Side, type Turn } from './turns.js';
import { Writing } from './writing.js';

const queues = 3;
const deadline = 120_000;

export interface HistoryOptions {
  readonly version: ServerVersion;
  readonly seed: number;
  readonly rounds: number;
}

/** How the rounds end: of the two ends of each side one is good and one a kill, by the seed. */
export function endsOf(random: SeededRandom, rounds: number): End[] {
  const ends: End[] = [];
  while (ends.length < rounds) {
    const ours: End = random.chance(0.5) ? 'closed' : 'killed';
    const javas: End = random.chance(0.5) ? 'closed' : 'killed';
    const other = (end: End): End => (end === 'closed' ? 'killed' : 'closed');
    ends.push(ours, javas, other(ours), other(javas));
  }
  return ends.slice(0, rounds);
}

/**
 * One store, handed from side to side. Each turn checks everything that was ever acknowledged, writes a
 * piece of history and ends, well or by SIGKILL; then the other side opens the store.
 */
export class History {
  readonly ends: readonly End[];
  private readonly random: SeededRandom;
  private readonly storeDir: string;
  private readonly topic: string;
  private readonly group: string;
  private readonly short: string;
  private readonly journal = new Journal();
  private readonly hasIpv6 = Object.values(networkInterfaces()).some((all) =>
    all?.some((one) => one.address === '::1'),
  );
  private turnNumber = 0;
  private turn: Turn | undefined;
  private disk: Disk | undefined;
  /** The last life of the short topic ended before a kill. */
  private mayShortComeBack = false;
  private explained: string[] = [];
  private looks = 0;
  /** In this turn. */
  private readonly askedAbout = new Set<string>();
  private readonly found: Found = nothingFound();
  private nameserver!: { program: RunningProgram; address: string };
  private peer!: JavaPeer;
  private asker!: Asker;
  private steady!: Steady;
  private port = 0;

  constructor(private readonly options: HistoryOptions) {
    this.random = new SeededRandom(options.seed);
    this.ends = endsOf(this.random, options.rounds);
    const tag = options.version.replaceAll('.', '');
    this.storeDir = temporaryFolder(`history-${options.version}`);
    this.topic = `History${tag}`;
    this.short = `Short${tag}`;
    this.group = `steady-${tag}`;
  }

  async begin(): Promise<void> {
    prepareJava();
    const { version } = this.options;
    const client: ClientVersion = version === '4.9.7' ? '4.9.8' : version;
    this.nameserver = await startOurNameserver();
    this.peer = await JavaPeer.start(client);
    this.port = await freePorts([-2, 0, 1]);
    this.asker = new Asker(this.port);
    this.steady = new Steady(this.peer, this.journal, this.group, this.topic);
  }

  async close(): Promise<void> {
    await this.turn?.end('killed');
    await this.asker?.close();
    await this.peer?.close();
    await this.nameserver?.program.stop();
    rmSync(this.storeDir, { recursive: true, force: true });
  }

  sideOf(round: number): Side {
    return round % 2 === 0 ? 'ours' : 'java';
  }

  /** The side of the round opens the store and checks it, goes on writing, and ends. */
  async play(round: number): Promise<void> {
    const writing = await this.openAndCheck(round);
    const shelf = this.shelf();
    await writing.write();
    await this.untilIdle(shelf);
    await this.liveShortly(writing);
    const sentBack = await writing.leavePending();
    await eventually(`${sentBack.join()} came`, deadline, () =>
      sentBack.every((body) => this.steady.hasSeen(body)) ? true : undefined,
    );
    await this.untilConsumed(shelf, [this.topic]);
    await this.steady.stop();
    await eventually('the offsets of the group', deadline, async () =>
      (await this.steady.isKnown(this.asker)) ? true : undefined,
    );
    expect(this.steady.wrong).toEqual([]);
    await this.end(round);
  }

  /** The last look, by the side whose turn it would be. */
  async openAndCheck(round: number): Promise<Writing> {
    const { version, seed } = this.options;
    const { nameserver, topic, journal, peer, asker, random, port, hasIpv6 } = this;
    const side = this.sideOf(round);
    this.turnNumber = round;
    const nameServers = nameserver.address;
    // Both sides write records with IPv6 hosts of brokers, in every other pair of turns.
    const host = hasIpv6 && (round + seed) % 4 < 2 ? '::1' : '127.0.0.1';
    const { storeDir } = this;
    const brokerName = `broker-${topic}`;
    this.turn = await open(side, { version, nameServers, storeDir, brokerName, port, host });
    if (round === 0) await createTopic(`127.0.0.1:${port}`, topic, queues);
    const tables = await askByHand(`127.0.0.1:${port}`, 21);
    expect(tables).toContain(`"${topic}"`);
    expect(tables).not.toContain(`"${this.short}"`);
    const parts = { peer, asker, journal, random, nameServers, port, topic, queues, hasIpv6 };
    const writing = new Writing({ ...parts, turn: round });
    this.looks = peer.program.events('check').length;
    this.askedAbout.clear();
    await writing.start();
    await writing.sendMarkers();
    await this.steady.start(nameServers, round);
    journal.pending.clear();
    const shelf = this.shelf();
    await this.untilIdle(shelf);
    this.explainQuestions(side);
    expect(compare(journal, shelf)).toEqual([]);
    if (this.disk !== undefined) expect(changedRecords(this.disk, shelf)).toEqual([]);
    await this.find(round, side, shelf);
    return writing;
  }

  private async find(round: number, side: Side, shelf: Shelf): Promise<void> {
    const isByFile = side === 'java' && this.options.version === '4.9.7';
    const perFile = isByFile ? entriesPerQueueFile : undefined;
    const [found, missed] = await findAll(this.asker, shelf, perFile);
    expect(missed).toEqual([]);
    for (const way of Object.keys(found) as (keyof Found)[]) this.found[way] += found[way];
    this.tell(
      `round ${round}: ${side} has ${shelf.all.length} messages; ${JSON.stringify(found)}; ` +
        `the group had ${this.steady.delivered}, ${this.steady.repeated} of them again`,
    );
  }

  private async end(round: number): Promise<void> {
    const how = this.ends[round] as End;
    const side = this.sideOf(round);
    if (how === 'closed') await this.untilDecided();
    await this.turn?.end(how);
    this.turn = undefined;
    this.disk = readDisk(this.storeDir);
    this.explainQuestions(side);
    const { lost, again, visible } = this.journal.settle(this.disk);
    const unsaved = this.steady.ended(this.disk);
    this.mayShortComeBack = how === 'killed';
    this.explained.push(...again);
    this.tell(
      `round ${round}: ${side} ${how}; ${this.disk.records.length} records, ` +
        `${again.length} bodies and ${unsaved} deliveries of a group to come again`,
    );
    expect(lost).toEqual([]);
    expect(visible).toEqual([]);
    if (how === 'killed') return;
    // Java that is closed in the middle of a round of checks forgets that it has put halves back.
    const open = new Set(openHalves(this.disk).map((one) => placeOf(this.topic, one.text)));
    const wrong = again.filter((place) => side === 'ours' || !open.has(place));
    expect({ wrong, unsaved }).toEqual({ wrong: [], unsaved: 0 });
  }

  /** Java asks again about a half that is being decided, and then carries each answer out. */
  private explainQuestions(side: Side): void {
    const checks = this.peer.program.events<{ event: string; body: string }>('check');
    for (const { body } of checks.slice(this.looks)) {
      const place = placeOf(this.topic, body);
      const isAgain = this.askedAbout.has(body) && this.journal.entries.has(place);
      if (side === 'java' && isAgain) this.journal.allow(place, 1, this.explained);
      this.askedAbout.add(body);
    }
    this.looks = checks.length;
  }

  /** A topic made, used and deleted; after good ends its next life begins at 0. */
  private async liveShortly(writing: Writing): Promise<void> {
    const first = await writing.liveShortly(this.short);
    // After a kill Java makes the queues of deleted topics again, from the log.
    if (!this.mayShortComeBack) expect(first).toBe(0);
  }

  private tell(line: string): void {
    process.stderr.write(`history ${this.options.version}, ${line}\n`);
  }

  tellAll(): void {
    const kinds = new Map<string, number>();
    for (const place of this.explained) {
      const kind = place.replace(/^\S+ ([a-z-]+)-\d.*$/, '$1');
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    }
    const bodies = JSON.stringify(Object.fromEntries(kinds));
    this.tell(
      `in all: ${this.journal.entries.size} acknowledged, found ${JSON.stringify(this.found)}, ` +
        `again by kind ${bodies}, ${this.steady.repeated} of ${this.steady.delivered} deliveries again`,
    );
  }

  private shelf(): Shelf {
    const { asker, topic, group } = this;
    const topics = new Map([
      [topic, queues],
      [retryTopic(group), 1],
      [deadLetterTopic(group), 1],
    ]);
    return new Shelf(asker, topics);
  }

  /** Everything has come and is consumed, sent-back and dead messages included. */
  private async untilIdle(shelf: Shelf): Promise<void> {
    let what: string[] = [];
    const all = [this.topic, retryTopic(this.group)];
    await eventually(`all messages of turn ${this.turnNumber}`, deadline, async () => {
      this.steady.look();
      await shelf.pull();
      what = missing(this.journal, shelf);
      if (what.length === 0) what = await this.behind(shelf, all);
      return what.length === 0 ? true : undefined;
    }).catch((error: unknown) => {
      const came = this.steady.deliveriesOf(what).join(', ');
      throw new Error(`${String(error)}\nstill missing: ${what.join(', ')}\ncame: ${came}`);
    });
  }

  private async untilConsumed(shelf: Shelf, topics: string[]): Promise<void> {
    await eventually('the group is at the end', deadline, async () =>
      (await this.behind(shelf, topics)).length === 0 ? true : undefined,
    );
  }

  private behind(shelf: Shelf, topics: string[]): Promise<string[]> {
    const some = shelf.allQueues.filter(([topic]) => topics.includes(topic));
    return this.steady.behind(this.asker, some);
  }

  /** 5.x writes op messages some time after the decisions; what it has not written, a good end loses. */
  private async untilDecided(): Promise<void> {
    await eventually('op messages of all decisions', deadline, () => {
      const open = openHalves(readDisk(this.storeDir));
      return open.every((one) => this.journal.pending.has(one.text)) ? true : undefined;
    });
  }
}
