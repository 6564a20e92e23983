import { PropertyName, propertyText, type OutgoingMessage } from '@nestjs-rocketmq/message';
import { invalid } from './refusing.js';

const highestDelayLevel = 18;

const timerProperty = {
  delayMs: PropertyName.TIMER_DELAY_MS,
  delaySeconds: PropertyName.TIMER_DELAY_SEC,
  deliverAt: PropertyName.TIMER_DELIVER_MS,
} as const;

/** Which fields say that a message is to be delivered later. */
function delaysOf(message: OutgoingMessage): string[] {
  const { delayLevel, delayMs, delaySeconds, deliverAt } = message;
  const given = { delayLevel: delayLevel === 0 ? undefined : delayLevel, delayMs, delaySeconds };
  const all = Object.entries({ ...given, deliverAt });
  return all.filter(([, value]) => value !== undefined).map(([name]) => name);
}

/** Whether the message is to be delivered later, by whichever of the four fields. */
export function isDelayed(message: OutgoingMessage): boolean {
  return isTimed(message) && delaysOf(message).length > 0;
}

/** Whether any of the four fields is there at all; looked at for every message. */
export function isTimed(message: OutgoingMessage): boolean {
  return (
    message.delayLevel !== undefined ||
    message.delayMs !== undefined ||
    message.delaySeconds !== undefined ||
    message.deliverAt !== undefined
  );
}

/** The property text of a delay; '' for none. Throws `InvalidMessageError` when there are two, or one that cannot be. */
export function delayText(message: OutgoingMessage): string {
  const { topic } = message;
  const given = delaysOf(message);
  const [field] = given;
  if (field === undefined) return '';
  if (given.length > 1) {
    invalid(`Give only one of '${given.join("' and '")}'; they contradict each other.`, { topic });
  }
  if (field === 'delayLevel') {
    const level = message.delayLevel as number;
    if (Number.isInteger(level) && level >= 0 && level <= highestDelayLevel) {
      return propertyText(PropertyName.DELAY_TIME_LEVEL, String(level));
    }
    const range = `The delay level must be 0 to ${highestDelayLevel}, but is ${level}.`;
    return invalid(range, { topic, delayLevel: level });
  }
  const value = message[field as 'delayMs' | 'delaySeconds' | 'deliverAt'];
  const number = value instanceof Date ? value.getTime() : (value as number);
  if (Number.isSafeInteger(number) && number >= 0) {
    return propertyText(timerProperty[field as keyof typeof timerProperty], String(number));
  }
  const what = field === 'deliverAt' ? 'a Date or milliseconds since 1970' : 'a whole number';
  return invalid(`'${field}' must be ${what}, 0 or more, but is ${String(value)}.`, {
    topic,
    [field]: value,
  });
}
