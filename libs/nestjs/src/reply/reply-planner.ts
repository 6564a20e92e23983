import { defineOptions, option } from '@nestjs-rocketmq/foundation';
import type { ReplyOptions } from '../decorators/reply-listener.decorator.js';
import type { MessageConverters } from '../converter/message-converters.js';
import type { ListenerPlan } from '../listener/listener-plan.js';
import { readTable, type Problems } from '../options/problems.js';
import type { ValueResolver } from '../options/value-resolver.js';
import type { ReplySettings } from './replying-invoker.js';

/** `@RocketMQReplyListener` besides what `@RocketMQListener` has. */
export const replyOptions = defineOptions('@RocketMQReplyListener', {
  replyTimeout: option.duration({
    meaning: 'Time for sending a reply; producer.sendTimeout by default.',
    min: 1,
  }),
  replyContentType: option.text({ meaning: "Format of the reply; the module's by default." }),
});

/** Reads the reply options of a listener; what is wrong goes to `problems`. */
export function readReply(
  { replyTimeout, replyContentType }: ReplyOptions,
  plan: Pick<ListenerPlan, 'id' | 'batch' | 'model'>,
  converters: MessageConverters,
  values: ValueResolver,
  problems: Problems,
): ReplySettings {
  const where = `${plan.id} (@RocketMQReplyListener)`;
  const resolved = values.resolve(where, 'replyTimeout', replyTimeout);
  const given = { replyTimeout: resolved, replyContentType };
  const { replyTimeout: timeout, replyContentType: contentType } = readTable(
    where,
    replyOptions,
    given,
    problems,
  );
  if (contentType !== undefined && !converters.knows(contentType)) {
    problems.add(
      'ROCKETMQ_OPTION_INVALID',
      `${where}: no converter knows the 'replyContentType' '${contentType}'; known are ` +
        converters.contentTypes.join(', '),
    );
  }
  if (plan.batch !== undefined || plan.model === 'broadcasting') {
    const which = plan.batch === undefined ? "model 'broadcasting'" : "'batch'";
    problems.add(
      'ROCKETMQ_OPTION_INVALID',
      `${where}: ${which} cannot stand here, because every request gets one reply; drop it`,
    );
  }
  return { timeout, contentType };
}
