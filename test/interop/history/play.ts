import { rmSync } from 'node:fs';
import {
  deadLetterTopic,
  maxTopicBytesV1,
  retryTopic,
  type StoredMessage,
  SystemTopic,
  transactionGroup,
} from '@nestjs-rocketmq/message';
import { eventually } from '../../support/eventually.js';
import {
  askByHand,
  createGroup,
  createTopic,
  freePorts,
  JavaPeer,
  prepareJava,
  temporaryFolder,
  type RunningProgram,
} from '../../support/java.js';
import { startOurNameserver } from '../../support/our-servers.js';
import { SeededRandom } from '@nestjs-rocketmq/foundation/testing';
import { Asker } from './asker.js';
import { Census } from './census.js';
import { changedRecords, compare, findAll, type Found, missing, nothingFound } from './checking.js';
import { type Disk, openHalves, placeOf, readDisk } from './disk.js';
import { Journal } from './journal.js';
import { endsOf, type Holder, isOverIpv6, type Plan } from './plan.js';
import { Shelf } from './shelf.js';
import { Steady } from './steady.js';
import { type End, entriesPerQueueFile, hasIpv6, open, type Turn } from './turns.js';
import { Writing } from './writing.js';

const queues = 3;
const deadline = 120_000;

/**
 * One store, handed from side to side. Each turn checks everything that was ever acknowledged, writes a
 * piece of history and ends, well or by SIGKILL; then the other side opens the store.
 */
export class History {
  readonly ends: readonly End[];
  private readonly random: SeededRandom;
  private readonly storeDir: string;
  private readonly topic: string;
  private readonly short: string;
  private readonly census = new Census();
  private readonly journal = new Journal();
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

  constructor(
    private readonly plan: Plan,
    private readonly seed: number,
  ) {
    this.random = new SeededRandom(seed);
    this.ends = plan.ends ?? endsOf(this.random, plan.holders.length - 1);
    const tag = plan.name.replaceAll(/\W/g, '');
    this.storeDir = temporaryFolder(`history-${tag}`);
    this.topic = `History${tag}`;
    this.short = `Short${tag}`;
  }

  async begin(): Promise<void> {
    prepareJava();
    this.nameserver = await startOurNameserver();
    this.peer = await JavaPeer.start(this.plan.client);
    this.port = await freePorts([-2, 0, 1]);
    this.asker = new Asker(this.port);
    this.steady = new Steady(this.peer, this.journal, this.plan.group, this.topic);
  }

  async close(): Promise<void> {
    await this.turn?.end('killed');
    await this.asker?.close();
    await this.peer?.close();
    await this.nameserver?.program.stop();
    rmSync(this.storeDir, { recursive: true, force: true });
  }

  holderOf(round: number): Holder {
    return this.plan.holders[round] as Holder;
  }

  /** The holder of the round opens the store and checks it, goes on writing, and ends. */
  async play(round: number): Promise<void> {
    const writing = await this.openAndCheck(round);
    const shelf = this.shelf();
    await writing.write();
    await this.untilIdle(shelf);
    await this.liveShortly(writing);
    const { isSettled = false } = this.plan;
    const sentBack = await writing.leavePending(isSettled);
    await eventually(`${sentBack.join()} came`, deadline, () =>
      sentBack.every((body) => this.steady.hasSeen(body)) ? true : undefined,
    );
    await this.untilConsumed(shelf, [this.topic]);
    await this.steady.stop();
    await eventually('the offsets of the group', deadline, async () =>
      (await this.steady.isKnown(this.asker)) ? true : undefined,
    );
    expect(this.steady.wrong).toEqual([]);
    if (isSettled) await this.untilSettled();
    await this.end(round);
  }

  /** The last holder does only this. */
  async openAndCheck(round: number): Promise<Writing> {
    const { nameserver, topic, journal, peer, asker, random, port } = this;
    const holder = this.holderOf(round);
    this.turnNumber = round;
    const nameServers = nameserver.address;
    const host = hasIpv6 && isOverIpv6(this.plan, round, this.seed) ? '::1' : '127.0.0.1';
    const { storeDir } = this;
    const brokerName = `broker-${topic}`;
    this.turn = await open(holder, { nameServers, storeDir, brokerName, port, host });
    if (round === 0) await createTopic(`127.0.0.1:${port}`, topic, queues);
    if (round === 0) await createGroup(`127.0.0.1:${port}`, this.plan.group);
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
    this.explainQuestions(holder);
    expect(compare(journal, shelf)).toEqual([]);
    if (this.disk !== undefined) expect(changedRecords(this.disk, shelf)).toEqual([]);
    await this.find(round, holder, shelf);
    return writing;
  }

  private async find(round: number, holder: Holder, shelf: Shelf): Promise<void> {
    const perFile = holder === '4.9.7' ? entriesPerQueueFile : undefined;
    const [found, missed] = await findAll(this.asker, shelf, perFile);
    expect(missed).toEqual([]);
    for (const way of Object.keys(found) as (keyof Found)[]) this.found[way] += found[way];
    this.tell(
      `round ${round}: ${holder} has ${shelf.all.length} messages; ${JSON.stringify(found)}; ` +
        `the group had ${this.steady.delivered}, ${this.steady.repeated} of them again`,
    );
  }

  private async end(round: number): Promise<void> {
    const how = this.ends[round] as End;
    const holder = this.holderOf(round);
    if (how === 'closed') await this.untilDecided();
    await this.turn?.end(how);
    this.turn = undefined;
    this.disk = readDisk(this.storeDir);
    this.census.take(this.disk);
    this.explainQuestions(holder);
    const { lost, again, visible } = this.journal.settle(this.disk);
    const unsaved = this.steady.ended(this.disk);
    this.mayShortComeBack = how === 'killed';
    this.explained.push(...again);
    this.tell(
      `round ${round}: ${holder} ${how}; ${this.disk.records.length} records, ` +
        `${again.length} bodies and ${unsaved} deliveries of a group to come again`,
    );
    expect(lost).toEqual([]);
    expect(visible).toEqual([]);
    if (how === 'killed') return;
    // Java that is closed in the middle of a round of checks forgets that it has put halves back.
    const open = new Set(openHalves(this.disk).map((one) => placeOf(this.topic, one.text)));
    const wrong = again.filter((place) => holder === 'ours' || !open.has(place));
    expect({ wrong, unsaved }).toEqual({ wrong: [], unsaved: 0 });
  }

  /** Java asks again about a half that is being decided, and then carries each answer out. */
  private explainQuestions(holder: Holder): void {
    const checks = this.peer.program.events<{ event: string; body: string }>('check');
    for (const { body } of checks.slice(this.looks)) {
      const place = placeOf(this.topic, body);
      const isAgain = this.askedAbout.has(body) && this.journal.entries.has(place);
      if (holder !== 'ours' && isAgain) this.journal.allow(place, 1, this.explained);
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
    process.stderr.write(`history ${this.plan.name}, ${line}\n`);
  }

  /** Kinds of messages that this history should have and has not. */
  kindsMissing(): string[] {
    const { group, isSettled = false } = this.plan;
    return this.census.without.filter((kind) => {
      if (kind === 'openTransaction') return !isSettled;
      if (kind === 'recordV2') return retryTopic(group).length > maxTopicBytesV1;
      return hasIpv6 || !(kind === 'bornHostV6' || kind === 'storeHostV6');
    });
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
        `kinds ${this.census.text}, again by kind ${bodies}, ` +
        `${this.steady.repeated} of ${this.steady.delivered} deliveries again`,
    );
  }

  private shelf(): Shelf {
    const { asker, topic } = this;
    const { group } = this.plan;
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
    const all = [this.topic, retryTopic(this.plan.group)];
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

  /** The broker has passed over all transactions, and its progress says so. */
  private async untilSettled(): Promise<void> {
    const { TRANSACTION_HALF, TRANSACTION_OP } = SystemTopic;
    await eventually('the end of all transactions', deadline, async () => {
      for (const topic of [TRANSACTION_HALF, TRANSACTION_OP]) {
        const at = await this.asker.committed(transactionGroup, topic, 0);
        if (at < (await this.asker.maxOffset(topic, 0))) return undefined;
      }
      return true;
    });
  }

  /** 5.x writes op messages some time after the decisions; what it has not written, a good end loses. */
  private async untilDecided(): Promise<void> {
    await eventually('op messages of all decisions', deadline, () => {
      const open = openHalvesNow(this.storeDir);
      return open?.every((one) => this.journal.pending.has(one.text)) ? true : undefined;
    });
  }
}

/** The same of a broker that lives; undefined when it is just writing there. */
function openHalvesNow(storeDir: string): StoredMessage[] | undefined {
  try {
    return openHalves(readDisk(storeDir));
  } catch {
    return undefined;
  }
}
