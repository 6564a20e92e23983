import type { Clock, FileSystem } from '@nestjs-rocketmq/foundation';
import {
  currentVersion,
  type DataVersion,
  type GetBrokerConfig,
  type GetBrokerRuntimeInfo,
} from '@nestjs-rocketmq/protocol';
import type { Outcome } from '@nestjs-rocketmq/remoting';
import type { MessageStore } from '@nestjs-rocketmq/store';
import type { Arrivals } from '../pull/arrivals.js';
import type { ScheduleService } from '../schedule/schedule.service.js';
import type { Figures } from './figures.js';

export interface ConfigurationParts {
  readonly store: MessageStore;
  readonly figures: Figures;
  readonly schedule: ScheduleService;
  readonly arrivals: Arrivals;
  readonly fileSystem: FileSystem;
  readonly clock: Clock;
  /** Every option with its value, as text. */
  readonly settings: Readonly<Record<string, string>>;
  readonly storePathRootDir: string;
  readonly startAcceptSendRequestTimeStamp: number;
}

/** Pools of threads that Java has and this broker has not; tools print their sizes. */
const pools = ['send', 'pull', 'litePull', 'query', 'ack'];

/** Settings and figures of this broker. */
export class ConfigurationProcessor {
  constructor(private readonly parts: ConfigurationParts) {}

  settings(): Outcome<typeof GetBrokerConfig> {
    const lines = Object.entries(this.parts.settings).map(([name, value]) => `${name}=${value}`);
    const version: DataVersion = {
      counter: 0,
      stateVersion: 0,
      timestamp: this.parts.figures.startedAt,
    };
    return { header: { version: JSON.stringify(version) }, body: `${lines.join('\n')}\n` };
  }

  /** The keys of Java's `GET_BROKER_RUNTIME_INFO` that tools read; all values are texts. */
  figures(): Outcome<typeof GetBrokerRuntimeInfo> {
    const table = {
      ...this.counters(),
      ...this.storeState(),
      ...this.delayProgress(),
      ...poolFigures(this.parts.arrivals.size),
      brokerActive: 'true',
      brokerVersion: String(currentVersion),
      brokerVersionDesc: 'V5_3_3',
      startAcceptSendRequestTimeStamp: String(this.parts.startAcceptSendRequestTimeStamp),
      timerReadBehind: '0',
      timerOffsetBehind: '0',
      timerCongestNum: '0',
      timerEnqueueTps: '0.0',
      timerDequeueTps: '0.0',
    };
    return { body: { table } };
  }

  private counters(): Record<string, string> {
    const { figures, clock } = this.parts;
    const now = clock.now();
    const { puts, failedPuts, getsFound, getsMissed, transferred, mornings, putBytes } = figures;
    const transferredRates = transferred.rates(now);
    const gets = (window: number): string =>
      (getsFound.rate(window, now) + getsMissed.rate(window, now)).toFixed(6);
    return {
      bootTimestamp: String(figures.startedAt),
      runtime: runtimeText(now - figures.startedAt),
      putMessageTimesTotal: String(puts.total),
      putMessageFailedTimes: String(failedPuts.total),
      putMessageSizeTotal: String(putBytes),
      putMessageAverageSize: String(puts.total === 0 ? 0 : putBytes / puts.total),
      putMessageEntireTimeMax: '0',
      putMessageDistributeTime: '',
      getMessageEntireTimeMax: '0',
      putLatency99: '0',
      putLatency999: '0',
      dispatchMaxBuffer: '0',
      putTps: puts.rates(now),
      getFoundTps: getsFound.rates(now),
      getMissTps: getsMissed.rates(now),
      getTotalTps: [10_000, 60_000, 600_000].map(gets).join(' '),
      getTransferredTps: transferredRates,
      // 4.9 spells it so; tools of that age look for it.
      getTransferedTps: transferredRates,
      msgPutTotalYesterdayMorning: String(mornings.put[0]),
      msgPutTotalTodayMorning: String(mornings.put[1]),
      msgPutTotalTodayNow: String(puts.total),
      msgGetTotalYesterdayMorning: String(mornings.got[0]),
      msgGetTotalTodayMorning: String(mornings.got[1]),
      msgGetTotalTodayNow: String(transferred.total),
    };
  }

  private storeState(): Record<string, string> {
    const { store, fileSystem, storePathRootDir } = this.parts;
    const figures = store.figures();
    const { total, free } = fileSystem.diskUse(storePathRootDir);
    const ratio = total === 0 ? 0 : (total - free) / total;
    return {
      commitLogMinOffset: String(figures.minPosition),
      commitLogMaxOffset: String(figures.appended),
      commitLogDiskRatio: String(ratio),
      consumeQueueDiskRatio: String(ratio),
      commitLogDirCapacity: `Total : ${bytesText(total)}, Free : ${bytesText(free)}.`,
      dispatchBehindBytes: '0',
      pageCacheLockTimeMills: '0',
      remainHowManyDataToFlush: bytesText(figures.appended - figures.durable),
      earliestMessageTimeStamp: String(this.earliestTime()),
    };
  }

  /** Store time of the first record of the log; -1 for an empty one. */
  private earliestTime(): number {
    const { store } = this.parts;
    let earliest = Number.POSITIVE_INFINITY;
    for (const topic of store.topics()) {
      for (const queue of store.queuesOf(topic)) {
        earliest = Math.min(earliest, store.storeTimeAt(queue, queue.min) ?? earliest);
      }
    }
    return Number.isFinite(earliest) ? earliest : -1;
  }

  private delayProgress(): Record<string, string> {
    return Object.fromEntries(
      this.parts.schedule
        .progress()
        .map(({ level, next, end }) => [`scheduleMessageOffset_${level}`, `${next},${end}`]),
    );
  }
}

function poolFigures(heldPulls: number): Record<string, string> {
  const table: Record<string, string> = {};
  for (const pool of pools) {
    table[`${pool}ThreadPoolQueueSize`] = '0';
    table[`${pool}ThreadPoolQueueCapacity`] = '0';
    table[`${pool}ThreadPoolQueueHeadWaitTimeMills`] = '0';
  }
  table['pullThreadPoolQueueSize'] = String(heldPulls);
  table['EndTransactionQueueSize'] = '0';
  table['EndTransactionThreadPoolQueueCapacity'] = '0';
  return table;
}

function runtimeText(millis: number): string {
  const seconds = Math.floor(millis / 1000);
  const [days, hours] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3600) % 24];
  const [minutes, rest] = [Math.floor(seconds / 60) % 60, seconds % 60];
  return `[ ${days} days, ${hours} hours, ${minutes} minutes, ${rest} seconds ]`;
}

function bytesText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit += 1) value /= 1024;
  return `${value.toFixed(1)} ${units[unit]}`;
}
