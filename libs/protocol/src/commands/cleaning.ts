import { defineCommand } from '../command/define-command.js';

/** Removes queues that no topic has any more. */
export const CleanExpiredConsumequeue = defineCommand({
  code: 306,
  name: 'CLEAN_EXPIRED_CONSUMEQUEUE',
  needs: 'delete',
  outcomes: ['SUCCESS'],
});

/** Removes the queues of topics that are not in the topic table. */
export const CleanUnusedTopic = defineCommand({
  code: 316,
  name: 'CLEAN_UNUSED_TOPIC',
  needs: 'delete',
  outcomes: ['SUCCESS'],
});

/** Removes expired log files at once. */
export const DeleteExpiredCommitlog = defineCommand({
  code: 329,
  name: 'DELETE_EXPIRED_COMMITLOG',
  needs: 'delete',
  outcomes: ['SUCCESS'],
});
