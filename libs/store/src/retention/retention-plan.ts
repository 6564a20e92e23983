/** What operators set; names as in Apache's broker. */
export interface RetentionSettings {
  readonly deleteWhen: string;
  /** Milliseconds. */
  readonly reservedTime: number;
  readonly diskMaxUsedSpaceRatio: number;
  readonly diskSpaceWarningLevelRatio: number;
  readonly diskSpaceCleanForciblyRatio: number;
  readonly cleanFileForciblyEnable: boolean;
  readonly deleteFileBatchMax: number;
}

/** A log file that is done with: there is one behind it. */
export interface OldFile {
  /** Position behind its last byte. */
  readonly end: number;
  /** Store time of the first record behind it, or undefined when that cannot be read. */
  readonly youngerThan: number | undefined;
}

export interface RetentionSituation {
  readonly now: number;
  /** Hour of the day by the machine's own time. */
  readonly hour: number;
  /** Used part of the disks of log and queues, 0 to 1. */
  readonly logUse: number;
  readonly queueUse: number;
  readonly isAsked: boolean;
  /** From the oldest on. */
  readonly files: Iterable<OldFile>;
}

export type RetentionReason = 'hour' | 'asked' | 'disk' | 'disk, whatever the age';

export interface RetentionPlan {
  /** Messages are refused until there is room again. */
  readonly isFull: boolean;
  readonly reason: RetentionReason | undefined;
  /** The log shall begin here; undefined when nothing goes. */
  readonly newStart: number | undefined;
  /** How many files go. */
  readonly count: number;
}

/** Used part of a disk as Java's broker counts it: whole percents, rounded up. */
export function usedPart(use: { readonly total: number; readonly free: number }): number {
  return use.total > 0 ? Math.ceil(((use.total - use.free) * 100) / use.total) / 100 : 0;
}

function clamp(percent: number, least: number, most: number): number {
  return Math.min(Math.max(percent, least), most) / 100;
}

/**
 * Decides which log files go; does nothing. Above the first level expired files go at any hour,
 * above the second the oldest ones whatever their age, above the third messages are refused as
 * well. The newest file always stays, and the first that may not go ends the search.
 * Source: org.apache.rocketmq.store.DefaultMessageStore.CleanCommitLogService, 5.3.3.
 */
export function planRetention(
  settings: RetentionSettings,
  situation: RetentionSituation,
): RetentionPlan {
  const use = Math.max(situation.logUse, situation.queueUse);
  const isFull = use > clamp(settings.diskSpaceWarningLevelRatio, 35, 90);
  const isUrgent = isFull || use > clamp(settings.diskSpaceCleanForciblyRatio, 30, 85);
  const isTight = use > clamp(settings.diskMaxUsedSpaceRatio, 10, 95);
  const isForced = isUrgent && settings.cleanFileForciblyEnable;
  const reason = reasonOf(settings, situation, isForced, isUrgent || isTight);
  let newStart: number | undefined;
  let count = 0;
  if (reason === undefined) return { isFull, reason, newStart, count };
  for (const file of situation.files) {
    const age = situation.now - (file.youngerThan ?? situation.now);
    if (count >= settings.deleteFileBatchMax || (!isForced && age < settings.reservedTime)) break;
    newStart = file.end;
    count += 1;
  }
  return { isFull, reason, newStart, count };
}

function reasonOf(
  settings: RetentionSettings,
  situation: RetentionSituation,
  isForced: boolean,
  isTight: boolean,
): RetentionReason | undefined {
  if (isForced) return 'disk, whatever the age';
  if (isTight) return 'disk';
  if (situation.isAsked) return 'asked';
  const hours = settings.deleteWhen.split(';').map((hour) => hour.trim());
  return hours.some((hour) => hour !== '' && Number(hour) === situation.hour) ? 'hour' : undefined;
}
