import { RocketMQSendError } from '../nestjs.errors.js';

export interface Destination {
  readonly topic: string;
  readonly tags: string | undefined;
}

/** Reads `topic` or `topic:tag`. Throws `RocketMQSendError`. */
export function parseDestination(destination: string, tags?: string): Destination {
  const text = typeof destination === 'string' ? destination : '';
  const colon = text.indexOf(':');
  const topic = (colon < 0 ? text : text.slice(0, colon)).trim();
  const ownTags = colon < 0 ? undefined : text.slice(colon + 1).trim();
  if (topic === '' || ownTags === '') {
    throw new RocketMQSendError(
      `The destination must be 'topic' or 'topic:tag', but is ${JSON.stringify(destination)}.`,
      { details: { destination } },
    );
  }
  if (tags !== undefined && ownTags !== undefined && tags !== ownTags) {
    throw new RocketMQSendError(
      `The destination '${destination}' names the tag '${ownTags}', but the option 'tags' says ` +
        `'${tags}'; give one of them.`,
      { details: { destination, tags } },
    );
  }
  return { topic, tags: tags ?? ownTags };
}
