import { SystemTopic } from '@nestjs-rocketmq/message';
import type { MessageStore } from '@nestjs-rocketmq/store';
import { type MessageDraft, realPlaceText } from '../send/message-draft.js';
import type { Topic } from '../topics/topic.js';
import type { DelayLevels } from './delay-levels.js';

/** Sends a message to wait: into the queue of its level in the schedule topic. */
export class Delays {
  constructor(
    private readonly levels: DelayLevels,
    private readonly store: MessageStore,
  ) {}

  /**
   * Swaps the place in the draft for one in the schedule topic and notes the real one. The queue
   * entry carries the due time instead of a tag hash.
   */
  divert(draft: MessageDraft, delayLevel: number, topic?: Topic): void {
    const level = this.levels.clamp(delayLevel);
    const isOwn = topic !== undefined && topic.name === draft.topic;
    draft.addBytes(
      isOwn ? topic.realPlace(draft.queueId) : realPlaceText(draft.topic, draft.queueId),
    );
    draft.topic = SystemTopic.SCHEDULE;
    draft.queueId = this.levels.queueOf(level);
    draft.tagsCode = this.store.turnTime + this.levels.delayOf(level);
  }
}
