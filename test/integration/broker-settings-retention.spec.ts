import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type FileSystem, nodeFileSystem } from '@nestjs-rocketmq/foundation';
import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import { GetMinOffset, ResponseCode } from '@nestjs-rocketmq/protocol';
import { eventually } from '../support/eventually.js';
import { OperatedBroker, refusalOf } from '../support/operated-broker.js';

const minute = 60_000;
const deadline = 30_000;
/** Ten messages are several files, and all that is acknowledged may be removed. */
const small = 'flushDiskType=SYNC_FLUSH\nmappedFileSizeCommitLog=16384\n';

/** A broker with such a file, whose clock and disk are moved by hand. */
class AgingBroker implements AsyncDisposable {
  private constructor(
    readonly broker: OperatedBroker,
    readonly clock: ManualClock,
    private readonly disk: { use: number },
  ) {}

  /** `hour` and `minutes` of the machine's own time. */
  static async start(text: string, hour = 12, minutes = 0): Promise<AgingBroker> {
    const clock = new ManualClock(new Date(2026, 2, 3, hour, minutes).getTime());
    const disk = { use: 50 };
    const diskUse = () => ({ total: 100, free: 100 - disk.use });
    const fileSystem: FileSystem = Object.assign(Object.create(nodeFileSystem), { diskUse });
    const broker = await OperatedBroker.start(small + text, { clock, fileSystem });
    const aging = new AgingBroker(broker, clock, disk);
    for (let n = 0; n < 10; n += 1) await broker.raw.send('orders', 'x'.repeat(4000));
    return aging;
  }

  /** Percent of the disk that are used. */
  set diskUse(percent: number) {
    this.disk.use = percent;
  }

  /** Whether the broker decided, since it started, to remove files. */
  get hasRemoved(): boolean {
    return this.broker.lines.some((line) => line.includes('Removing old log files'));
  }

  get logFiles(): number {
    return readdirSync(join(this.broker.folder, 'store/commitlog')).length;
  }

  /** Lets time pass until the oldest messages are gone. */
  async untilRemoved(): Promise<void> {
    const { client, address } = this.broker.raw;
    await eventually('a first offset that moved', deadline, async () => {
      await this.clock.advance(100);
      const asked = { topic: 'orders', queueId: 0 };
      const { header } = await client.invoke(address, GetMinOffset, asked, { timeoutMs: 30_000 });
      return header.offset > 0 || undefined;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.broker[Symbol.asyncDispose]();
  }
}

/** Settings of the founding documents that say when messages go: file, start, 26, behaviour. */
describe('a configuration file with', () => {
  it('deleteWhen: expired files go in that hour of the day, and in no other', async () => {
    await using aging = await AgingBroker.start('deleteWhen=05\nfileReservedTime=0\n', 4, 55);
    expect((await aging.broker.settings())['deleteWhen']).toBe('05');
    const files = aging.logFiles;
    await aging.clock.advance(4 * minute);
    expect(aging.hasRemoved).toBe(false);
    await aging.clock.advance(1 * minute);
    await aging.clock.advance(10_000);
    await aging.untilRemoved();
    expect(aging.logFiles).toBeLessThan(files);
  });

  it('deleteWhen with several hours: each of them counts', async () => {
    await using aging = await AgingBroker.start('deleteWhen=04;16\nfileReservedTime=0\n', 15, 58);
    expect((await aging.broker.settings())['deleteWhen']).toBe('04;16');
    await aging.clock.advance(90_000);
    expect(aging.hasRemoved).toBe(false);
    await aging.clock.advance(minute);
    await aging.untilRemoved();
  });

  it('fileReservedTime: files stay for so many hours', async () => {
    await using aging = await AgingBroker.start('deleteWhen=12;13\nfileReservedTime=1\n');
    expect((await aging.broker.settings())['fileReservedTime']).toBe('1');
    await aging.clock.advance(59 * minute);
    expect(aging.hasRemoved).toBe(false);
    await aging.clock.advance(2 * minute);
    await aging.untilRemoved();
  });

  it('diskMaxUsedSpaceRatio: above it expired files go at any hour', async () => {
    await using aging = await AgingBroker.start(
      'diskMaxUsedSpaceRatio=70\ndeleteWhen=04\nfileReservedTime=0\n',
    );
    expect((await aging.broker.settings())['diskMaxUsedSpaceRatio']).toBe('70');
    aging.diskUse = 70;
    await aging.clock.advance(2 * minute);
    expect(aging.hasRemoved).toBe(false);
    aging.diskUse = 71;
    await aging.clock.advance(10_000);
    await aging.untilRemoved();
  });

  it('diskMaxUsedSpaceRatio=88: above 85 files go before that, above 90 messages are refused', async () => {
    await using aging = await AgingBroker.start('diskMaxUsedSpaceRatio=88\nfileReservedTime=120\n');
    const { broker, clock } = aging;
    expect(await broker.settings()).toMatchObject({
      diskMaxUsedSpaceRatio: '88',
      fileReservedTime: '120',
    });
    aging.diskUse = 85;
    await clock.advance(2 * minute);
    expect(aging.hasRemoved).toBe(false);
    aging.diskUse = 91;
    await clock.advance(10_000);
    const { responseCode } = await refusalOf(broker.raw.send('orders', 'no room'));
    expect(responseCode).toBe(ResponseCode.SERVICE_NOT_AVAILABLE);
    aging.diskUse = 86;
    await aging.untilRemoved();
    await eventually('room for messages', deadline, async () => {
      await clock.advance(1000);
      const sent = broker.raw.send('orders', 'room');
      return (await sent.catch(() => undefined)) ?? undefined;
    });
  });
});
