/** How a send ended for its caller. `unknown`: it may stand in the log or not. */
export type Outcome = 'pending' | 'ok' | 'failed' | 'unknown';

export interface Place {
  readonly brokerName: string;
  readonly queueId: number;
  readonly offset: number;
}

/** One line of the history; nothing is ever changed or taken out. */
export type Event =
  | { readonly kind: 'invoke'; readonly id: string; readonly lane: number | undefined }
  | { readonly kind: 'ok'; readonly id: string; readonly place: Place }
  | { readonly kind: 'failed' | 'unknown'; readonly id: string; readonly why: string }
  | {
      readonly kind: 'handled';
      readonly id: string;
      readonly group: string;
      readonly member: string;
      readonly place: Place;
      /** 0 at the first delivery; those after it come from the retry topic. */
      readonly times: number;
    }
  | {
      readonly kind: 'committed';
      readonly group: string;
      readonly brokerName: string;
      readonly queueId: number;
      readonly offset: number;
    }
  | {
      readonly kind: 'fault';
      readonly what: string;
      /** No queue changes hands by it and no broker forgets: committed offsets keep going forward. */
      readonly keepsOffsets: boolean;
    }
  | { readonly kind: 'healed'; readonly what: string };

export interface Sent {
  readonly id: string;
  readonly lane: number | undefined;
  outcome: Outcome;
  place: Place | undefined;
  /** Something was broken before it ended, so an attempt may have been repeated. */
  mayRepeat: boolean;
  /** How much had been mended before. */
  readonly heals: number;
}

/** How far a group is in one queue. */
interface Progress {
  readonly handled: boolean[];
  /** Every offset below it was handled. */
  next: number;
  committed: number;
}

/** What was asked, answered, handled and committed; judged line by line while it is written. */
export class History {
  readonly events: Event[] = [];
  readonly violations: string[] = [];
  readonly sent = new Map<string, Sent>();
  /** By group: how often each message was handled at its first place. */
  readonly deliveries = new Map<string, Map<string, number>>();
  /** By group and id: which attempts were seen. */
  readonly attempts = new Map<string, Map<string, number[]>>();
  counts = {
    acknowledged: 0,
    failed: 0,
    unknown: 0,
    handled: 0,
    repeated: 0,
    commits: 0,
    backs: 0,
  };
  /** Something was broken at some time: repetitions are no surprise any more. */
  private wasBroken = false;
  /** Something happened by which committed offsets may go back. */
  private mayGoBack = false;
  private heals = 0;
  private healedAt = 0;
  /** Milliseconds from the last mending to the first answer to a send that began after it. */
  firstAnswerMs: number | undefined;
  private readonly places = new Map<string, string[]>();
  private readonly lanes = new Map<string, number>();
  private readonly progress = new Map<string, Progress>();

  constructor(
    /** Groups whose queues are handled in order. */
    private readonly orderly: readonly string[],
    /** Brings in what other processes handled; asked before anything is found missing. */
    private readonly gather: () => void,
  ) {}

  append(event: Event): void {
    this.events.push(event);
    switch (event.kind) {
      case 'invoke':
        return this.invoked(event.id, event.lane);
      case 'ok':
        return this.acknowledged(event.id, event.place);
      case 'failed':
      case 'unknown':
        return this.ended(event.id, event.kind);
      case 'handled':
        return this.handled(event);
      case 'committed':
        return this.committed(event);
      case 'fault':
        this.wasBroken = true;
        this.mayGoBack ||= !event.keepsOffsets;
        return;
      default:
        this.heals += 1;
        this.healedAt = performance.now();
        this.firstAnswerMs = undefined;
    }
  }

  /** Whether nothing broke so far. */
  get isCalm(): boolean {
    return !this.wasBroken;
  }

  /** Acknowledged messages that a group did not handle yet. */
  missing(group: string): string[] {
    const known = this.deliveries.get(group);
    const all = [...this.sent.values()].filter(({ outcome }) => outcome === 'ok');
    return all.filter(({ id }) => known?.has(id) !== true).map(({ id }) => id);
  }

  isMissing(group: string): boolean {
    const known = this.deliveries.get(group);
    for (const { outcome, id } of this.sent.values()) {
      if (outcome === 'ok' && known?.has(id) !== true) return true;
    }
    return false;
  }

  /** Everything that the history says of a message. */
  about(id: string): string[] {
    return this.events
      .filter((one) => 'id' in one && one.id === id)
      .map((one) => JSON.stringify(one));
  }

  violation(rule: string, sentence: string): void {
    this.violations.push(`${rule} ${sentence}`);
  }

  /** One value for each place, whoever tells it. */
  stands(place: Place, id: string): void {
    const key = `${place.brokerName}/${place.queueId}`;
    const ids = this.places.get(key) ?? [];
    this.places.set(key, ids);
    const before = ids[place.offset];
    if (before === undefined) ids[place.offset] = id;
    else if (before !== id) {
      this.violation('I1', `${key}/${place.offset} was ${before} and is ${id}`);
    }
  }

  private invoked(id: string, lane: number | undefined): void {
    const { heals } = this;
    this.sent.set(id, { id, lane, outcome: 'pending', place: undefined, mayRepeat: false, heals });
  }

  private acknowledged(id: string, place: Place): void {
    const sent = this.sent.get(id) as Sent;
    sent.outcome = 'ok';
    sent.place = place;
    sent.mayRepeat = !this.isCalm;
    this.counts.acknowledged += 1;
    if (this.firstAnswerMs === undefined && sent.heals === this.heals) {
      this.firstAnswerMs = performance.now() - this.healedAt;
    }
    this.stands(place, id);
    if (sent.lane === undefined) return;
    // A lane sends one message after the other to one queue.
    const key = `${sent.lane}@${place.brokerName}/${place.queueId}`;
    const before = this.lanes.get(key) ?? -1;
    if (place.offset <= before) this.violation('I3', `${id} stands before what was sent before it`);
    this.lanes.set(key, place.offset);
  }

  private ended(id: string, outcome: 'failed' | 'unknown'): void {
    const sent = this.sent.get(id) as Sent;
    sent.outcome = outcome;
    sent.mayRepeat = !this.isCalm;
    this.counts[outcome] += 1;
  }

  private handled(event: Event & { kind: 'handled' }): void {
    const { id, group, place, times } = event;
    this.counts.handled += 1;
    const sent = this.sent.get(id);
    if (sent === undefined) return this.violation('I10', `${id} was handled and never sent`);
    if (sent.outcome === 'failed') this.violation('I10', `${id} was refused and is handled`);
    const ofGroup = this.attempts.get(group) ?? new Map<string, number[]>();
    this.attempts.set(group, ofGroup);
    if (times > 0) {
      const seen = ofGroup.get(id) ?? [];
      ofGroup.set(id, seen);
      if (seen.includes(times) && this.isCalm)
        this.violation('I5', `attempt ${times} of ${id} twice`);
      seen.push(times);
      return;
    }
    this.stands(place, id);
    const deliveries = this.deliveries.get(group) ?? new Map<string, number>();
    this.deliveries.set(group, deliveries);
    deliveries.set(id, (deliveries.get(id) ?? 0) + 1);
    this.proceed(group, place, id);
  }

  private proceed(group: string, place: Place, id: string): void {
    const progress = this.progressOf(group, place);
    const { handled } = progress;
    if (handled[place.offset] === true) {
      this.counts.repeated += 1;
      if (this.isCalm)
        this.violation('I5', `${id} came twice to ${group} and nothing had happened`);
    }
    const isOrderly = this.orderly.includes(group);
    if (isOrderly && place.offset > progress.next) this.gather();
    if (isOrderly && place.offset > progress.next) {
      const where = `${place.brokerName}/${place.queueId}/${place.offset}`;
      this.violation('I3', `${group} handles ${where} before ${progress.next} of the same queue`);
    }
    handled[place.offset] = true;
    while (handled[progress.next] === true) progress.next += 1;
  }

  private committed({ group, brokerName, queueId, offset }: Event & { kind: 'committed' }): void {
    this.counts.commits += 1;
    const progress = this.progressOf(group, { brokerName, queueId, offset });
    const where = `${group} at ${brokerName}/${queueId}`;
    if (offset < progress.committed) {
      // While a queue goes from one member to another both may commit, and a broker that is killed
      // forgets what it was told last; what is below is delivered again.
      this.counts.backs += 1;
      if (!this.mayGoBack) {
        this.violation('I4', `${where} went back from ${progress.committed} to ${offset}`);
      }
    }
    if (offset > progress.next) this.gather();
    if (offset > progress.next) {
      this.violation('I4', `${where} committed ${offset}, but ${progress.next} is not handled`);
    }
    progress.committed = offset;
  }

  private progressOf(group: string, { brokerName, queueId }: Place): Progress {
    const key = `${group}@${brokerName}/${queueId}`;
    let progress = this.progress.get(key);
    if (progress === undefined) {
      this.progress.set(key, (progress = { handled: [], next: 0, committed: 0 }));
    }
    return progress;
  }
}
