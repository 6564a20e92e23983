import type { Auditor } from './auditor.js';
import { type Damaged, damageFile, damageRecord } from './damage.js';
import type { History, LifeEnd } from './history.js';
import type { Contents, Model } from './model.js';
import type { Payer } from './payer.js';
import type { Step, StorySettings } from './story.js';
import type { World } from './world.js';

type Ending = Extract<Step, { do: 'kill' | 'crash' | 'stop' | 'dieStarting' | 'dieAt' | 'damage' }>;

/** How the broker's lives end and begin; after each beginning everything is read and compared. */
export class Lives {
  hasGoodDisk = true;

  constructor(
    private readonly world: World,
    private readonly history: History,
    private readonly model: Model,
    private readonly auditor: Auditor,
    private readonly payer: Payer,
    private readonly settings: StorySettings,
  ) {}

  async end(step: Ending): Promise<void> {
    switch (step.do) {
      case 'kill':
        return this.revive(this.kill(), step.pause);
      case 'crash':
        return this.revive(this.crash(step.seed), step.pause);
      case 'stop':
        return this.stop(step.pause);
      case 'dieStarting':
        return this.dieStarting(step.hops, step.crashSeed);
      case 'damage':
        return this.damage(step);
      case 'dieAt':
        if (step.during === 'start') return this.dieWhileStarting(step);
        if (step.during === 'stop') this.world.heal();
        this.world.dieAt(step, step.crashSeed);
        return step.during === 'stop' ? this.close(0) : undefined;
    }
  }

  async begin(): Promise<void> {
    this.hasGoodDisk = true;
    const starting = this.world.start();
    await this.world.advanceUntil(starting, 60_000);
    this.started(await starting);
  }

  async stop(pause: number): Promise<void> {
    this.world.heal();
    await this.close(pause);
  }

  /** The process died in the middle of a call. */
  async afterDeath(): Promise<void> {
    const { death } = this.world;
    // What failed just before may have been a sync.
    if (!this.hasGoodDisk) this.model.isDoubtful = true;
    if (death !== undefined) await this.revive(this.ended(death.how, death.at), 50);
  }

  /** The store has stopped, so an operator starts it again. */
  async restartFailed(): Promise<void> {
    this.model.isDoubtful = true;
    this.hasGoodDisk = false;
    await this.revive(this.kill(), 100);
  }

  /** Everything that is there; and all of it is found by key as well. */
  async readAll(): Promise<Contents> {
    const reading = this.auditor.readAll(this.hasGoodDisk && !this.model.isIndexDamaged);
    await this.world.advanceUntil(reading, 60_000);
    return reading;
  }

  private kill(): LifeEnd {
    const end = this.ended('kill');
    this.world.kill();
    return end;
  }

  private crash(seed: number): LifeEnd {
    const end = this.ended('crash');
    this.world.crash(seed);
    return end;
  }

  private async close(pause: number): Promise<void> {
    const failure = await this.world.stop();
    if (this.world.death !== undefined) return this.afterDeath();
    await this.revive(this.ended(failure === undefined ? 'stop' : 'kill'), pause);
  }

  /** The process dies before it serves, and perhaps the power with it. */
  private async dieStarting(hops: number, crashSeed: number | undefined): Promise<void> {
    const first = this.kill();
    void this.world.start();
    for (let i = 0; i < hops; i += 1) await this.world.tasks.hop();
    const second = crashSeed === undefined ? this.kill() : this.crash(crashSeed);
    if (crashSeed !== undefined) this.model.diedRecovering();
    await this.revive({ ...second, at: first.at }, 0);
  }

  /** The same, in the middle of a call to the disk. */
  private async dieWhileStarting(step: Extract<Step, { do: 'dieAt' }>): Promise<void> {
    const { world } = this;
    const first = this.kill();
    world.heal();
    this.hasGoodDisk = true;
    const failure = await world.startOrDie(() => world.dieAt(step, step.crashSeed));
    const { death } = world;
    if (death?.how === 'crash') this.model.diedRecovering();
    if (death !== undefined) return this.revive(this.ended(death.how, first.at), 0);
    this.started(failure);
    world.heal();
    await this.settle(first);
  }

  private async damage(step: Extract<Step, { do: 'damage' }>): Promise<void> {
    const { world } = this;
    const { file, isKilled, seed } = step;
    world.heal();
    if (isKilled && file !== 'log') world.kill();
    else if ((await world.stop()) !== undefined) this.model.isDoubtful = true;
    const end = this.ended(isKilled && file !== 'log' ? 'kill' : 'stop');
    const isDone = file === 'log' ? this.damageLog(seed) : this.damageFile(file, seed);
    if (isDone) world.count(`damage of ${file}`);
    await this.revive(end, 50);
  }

  /** One record that is certainly durable, where all of a record has a checksum. */
  private damageLog(seed: number): boolean {
    const { model, world, settings } = this;
    if (!settings.enabledAppendPropCRC || model.isDoubtful || model.isCheckpointDamaged)
      return false;
    const found = model.damageOne(seed);
    if (found === undefined) return false;
    damageRecord(world.disk, settings.mappedFileSizeCommitLog, found, seed);
    this.history.note(world.clock.time, `damages the record at ${found.position}`);
    return true;
  }

  private damageFile(file: Exclude<Damaged, 'log'>, seed: number): boolean {
    const { model, world } = this;
    // Without a checkpoint nobody knows whether damage in the log is its end.
    if (file === 'checkpoint' && model.damaged.size > 0) return false;
    if (!damageFile(world.disk, file, seed)) return false;
    if (file === 'checkpoint') model.isCheckpointDamaged = true;
    if (file === 'index') model.isIndexDamaged = true;
    if (file === 'offsets') model.hadOldOffsets = true;
    if (file === 'delays') model.oldProgress += 1;
    return true;
  }

  private ended(how: LifeEnd['how'], at = this.world.clock.time): LifeEnd {
    const { world, history } = this;
    const wall = world.clock.now();
    const end = { life: world.lives, how, at, wall, hadGoodDisk: this.hasGoodDisk };
    history.ends.push(end);
    history.note(world.clock.time, `life ${end.life} ends: ${how}`);
    return end;
  }

  private async revive(end: LifeEnd, pause: number): Promise<void> {
    this.world.heal();
    await this.world.clock.advance(pause);
    await this.begin();
    await this.settle(end);
  }

  private started(failure: unknown): void {
    if (failure === undefined) return;
    const text = failure instanceof Error ? failure.message : String(failure);
    this.history.broken('I1', `the broker does not start: ${text}`);
  }

  private async settle(end: LifeEnd): Promise<void> {
    const { history } = this;
    if (history.violation !== undefined) return;
    const contents = await this.readAll();
    if (history.violation === undefined) this.model.compare(contents, end);
    if (history.violation === undefined) void this.payer.greet();
  }
}
