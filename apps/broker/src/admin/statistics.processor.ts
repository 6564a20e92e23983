import type { Clock, FileSystem } from '@nestjs-rocketmq/foundation';
import { StoredMessage } from '@nestjs-rocketmq/message';
import {
  type Asked,
  currentVersion,
  type GetBrokerRuntimeInfo,
  ResponseCode,
  ResponseError,
  type ViewBrokerStatsData,
} from '@nestjs-rocketmq/protocol';
import type { Outcome } from '@nestjs-rocketmq/remoting';
import type { MessageStore } from '@nestjs-rocketmq/store';
import type { ScheduleService } from '../schedule/schedule.service.js';
import { bytesText, durationText } from './figure-texts.js';
import type { Figures } from './figures.js';

export interface StatisticsParts {
  readonly store: MessageStore;
  readonly figures: Figures;
  readonly schedule: ScheduleService;
  readonly fileSystem: FileSystem;
  readonly clock: Clock;
  readonly storePathRootDir: string;
  readonly storePathCommitLog: string;
  /** A setting as text, for the sizes that tools print beside figures. */
  readonly setting: (name: string) => string | undefined;
}

/** Java's pools of threads, with the bounds that their queues have by default. */
const pools = { send: 10_000, pull: 100_000, litePull: 100_000, query: 20_000, ack: 100_000 };
const decisionsBound = 100_000;
/** What Java says where its pool of write buffers is not used. */
const noBufferPool = '2147483647';
const windows = [10_000, 60_000, 600_000];

/** Figures of this broker: all at once, or one counter by minute, hour and day. */
export class StatisticsProcessor {
  constructor(private readonly parts: StatisticsParts) {}

  counter(asked: Asked<typeof ViewBrokerStatsData>): Outcome<typeof ViewBrokerStatsData> {
    const { statsName, statsKey } = asked;
    const counter = this.parts.figures.counter(statsName, statsKey);
    if (counter === undefined) {
      const remark = `The stats <${statsName}> <${statsKey}> not exist`;
      throw new ResponseError(ResponseCode.SYSTEM_ERROR, remark);
    }
    return {
      body: {
        statsDay: counter.inDay(),
        statsHour: counter.inHour(),
        statsMinute: counter.inMinute(),
      },
    };
  }

  /** The keys of Java's `GET_BROKER_RUNTIME_INFO`; all values are texts. */
  runtimeInfo(): Outcome<typeof GetBrokerRuntimeInfo> {
    const table = {
      ...this.counts(),
      ...this.rates(),
      ...this.storeState(),
      ...this.delayProgress(),
      ...this.waiting(),
      brokerActive: 'true',
      brokerVersion: String(currentVersion),
      brokerVersionDesc: 'V5_3_3',
      startAcceptSendRequestTimeStamp: this.parts.setting('startAcceptSendRequestTimeStamp') ?? '0',
      timerReadBehind: '0',
      timerOffsetBehind: '0',
      timerCongestNum: '0',
      timerEnqueueTps: '0.0',
      timerDequeueTps: '0.0',
    };
    return { body: { table } };
  }

  private counts(): Record<string, string> {
    const { figures, clock } = this.parts;
    const { puts, failedPuts, putTimes, putBytes, mornings } = figures;
    return {
      bootTimestamp: String(figures.startedAt),
      runtime: durationText(clock.now() - figures.startedAt),
      putMessageTimesTotal: String(puts.total),
      putMessageFailedTimes: String(failedPuts.total),
      putMessageSizeTotal: String(putBytes),
      putMessageAverageSize: String(puts.total === 0 ? 0 : putBytes / puts.total),
      putMessageEntireTimeMax: String(putTimes.max),
      putMessageDistributeTime: putTimes.distribution(),
      putLatency99: putTimes.percentile(0.99).toFixed(2),
      putLatency999: putTimes.percentile(0.999).toFixed(2),
      getMessageEntireTimeMax: String(Math.floor(figures.longestGet)),
      // Java has the key and never counts it.
      dispatchMaxBuffer: '0',
      msgPutTotalYesterdayMorning: String(mornings.put[0]),
      msgPutTotalTodayMorning: String(mornings.put[1]),
      msgPutTotalTodayNow: String(figures.putTotal),
      msgGetTotalYesterdayMorning: String(mornings.got[0]),
      msgGetTotalTodayMorning: String(mornings.got[1]),
      msgGetTotalTodayNow: String(figures.getTotal),
    };
  }

  private rates(): Record<string, string> {
    const { figures, clock } = this.parts;
    const now = clock.now();
    const { puts, getsFound, getsMissed, transferred } = figures;
    const gets = (window: number): string =>
      (getsFound.rate(window, now) + getsMissed.rate(window, now)).toFixed(6);
    const transferredRates = transferred.rates(now);
    return {
      putTps: puts.rates(now),
      getFoundTps: getsFound.rates(now),
      getMissTps: getsMissed.rates(now),
      getTotalTps: windows.map(gets).join(' '),
      getTransferredTps: transferredRates,
      // 4.9 spells it so; tools of that age look for it.
      getTransferedTps: transferredRates,
    };
  }

  private storeState(): Record<string, string> {
    const { store, fileSystem, storePathRootDir } = this.parts;
    const { minPosition, appended, written, durable } = store.figures();
    const { total, free } = fileSystem.diskUse(storePathRootDir);
    const ratio = total === 0 ? 0 : (total - free) / total;
    return {
      commitLogMinOffset: String(minPosition),
      commitLogMaxOffset: String(appended),
      commitLogDiskRatio: String(ratio),
      [`commitLogDiskRatio_${this.parts.storePathCommitLog}`]: String(ratio),
      consumeQueueDiskRatio: String(ratio),
      commitLogDirCapacity: `Total : ${bytesText(total)}, Free : ${bytesText(free)}.`,
      // What queues do not show yet: with SYNC_FLUSH what is not durable, else what is not written.
      dispatchBehindBytes: String(appended - (store.gate.waits ? durable : written)),
      // A write of the log is over before anybody can ask.
      pageCacheLockTimeMills: '0',
      remainHowManyDataToFlush: bytesText(appended - durable),
      remainTransientStoreBufferNumbs: noBufferPool,
      earliestMessageTimeStamp: String(this.earliestTime(minPosition)),
    };
  }

  /** Store time of the first record of the log; -1 for an empty one. */
  private earliestTime(minPosition: number): number {
    const record = this.parts.store.readRecord(minPosition);
    return record === undefined ? -1 : new StoredMessage(record).storeTimestamp;
  }

  private delayProgress(): Record<string, string> {
    return Object.fromEntries(
      this.parts.schedule
        .progress()
        .filter(({ next, end }) => next > 0 || end > 0)
        .map(({ level, next, end }) => [`scheduleMessageOffset_${level}`, `${next},${end}`]),
    );
  }

  /** Requests are dealt with as they arrive: nothing waits for a thread. */
  private waiting(): Record<string, string> {
    const capacity = (setting: string, usual: number): string =>
      this.parts.setting(setting) ?? String(usual);
    const table: Record<string, string> = {};
    for (const [pool, usual] of Object.entries(pools)) {
      const setting = `${pool}ThreadPoolQueueCapacity`;
      table[setting] = capacity(setting, usual);
      table[`${pool}ThreadPoolQueueSize`] = '0';
      table[`${pool}ThreadPoolQueueHeadWaitTimeMills`] = '0';
    }
    table['EndTransactionQueueSize'] = '0';
    table['EndTransactionThreadPoolQueueCapacity'] = capacity(
      'endTransactionPoolQueueCapacity',
      decisionsBound,
    );
    return table;
  }
}
