import { type Logger, nearestName } from '@nestjs-rocketmq/foundation';

/** Old names of options that still count, as Apache's broker before 4.5 took them. */
export const formerNames: Readonly<Record<string, string>> = {
  mapedFileSizeCommitLog: 'mappedFileSizeCommitLog',
  mapedFileSizeConsumeQueue: 'mappedFileSizeConsumeQueue',
};

/** Names in wide use that no broker of Apache reads, and what really holds. */
export const neverOptions: Readonly<Record<string, string>> = {
  storePathConsumeQueue: 'consume queues are always in <storePathRootDir>/consumequeue',
  storePathIndex: 'the index is always in <storePathRootDir>/index',
  storeCheckpoint: 'the checkpoint is always <storePathRootDir>/checkpoint',
  storeCheckPoint: 'the checkpoint is always <storePathRootDir>/checkpoint',
  stroeCheckpoint:
    'the checkpoint is always <storePathRootDir>/checkpoint, and the index, which some files ' +
    'mean by it, <storePathRootDir>/index (storePathIndex is no option either)',
  abortFile: 'the abort marker is always <storePathRootDir>/abort',
};

/** Below this, somebody counted entries of 20 bytes where bytes are meant. */
const fewQueueBytes = 1_000_000;

/** The source under today's names; whoever used an old or a wrong one is told. */
export function withTodaysNames(
  source: Readonly<Record<string, unknown>>,
  logger: Logger,
): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(source)) {
    const today = Object.hasOwn(formerNames, name) ? formerNames[name] : undefined;
    const truth = Object.hasOwn(neverOptions, name) ? neverOptions[name] : undefined;
    if (truth !== undefined) logger.warn(`'${name}' is no option and changes nothing: ${truth}.`);
    else if (today === undefined) values[name] = value;
    else if (source[today] !== undefined) {
      logger.warn(`'${name}' is the old name of '${today}', which is set too and counts.`);
    } else {
      logger.warn(
        `'${name}' is the old name of '${today}' and is taken for it; ` +
          "Apache's broker ignores it since 4.5.",
      );
      values[today] = value;
    }
  }
  warnOfEntries(values, logger);
  return values;
}

function warnOfEntries(values: Readonly<Record<string, unknown>>, logger: Logger): void {
  const given = values['mappedFileSizeConsumeQueue'];
  if (given === undefined || !(Number(given) < fewQueueBytes)) return;
  logger.warn(
    `'mappedFileSizeConsumeQueue' counts bytes, 20 for each message: ${String(given)} makes files ` +
      `of ${Math.ceil(Number(given) / 20)} messages; Apache's default is 6000000.`,
  );
}

/** The sentence for a name that nobody knows. */
export function unknownName(name: string, known: Iterable<string>): string {
  const near = nearestName(name, known);
  return `'${name}' is not a known option${near === undefined ? '' : `; did you mean '${near}'?`}`;
}
