import { ResponseCode, ResponseError } from '@nestjs-rocketmq/protocol';

type Attributes = Readonly<Record<string, string>>;

interface Declaration {
  /** Whether it may be changed once the topic exists. */
  readonly changeable: boolean;
  /** What is wrong with a value, or undefined. */
  readonly problem: (value: string) => string | undefined;
}

/** Attributes of topics that RocketMQ knows. */
const declared: Readonly<Record<string, Declaration>> = {
  'queue.type': { changeable: false, problem: among('BatchCQ', 'SimpleCQ') },
  'cleanup.policy': { changeable: false, problem: among('DELETE', 'COMPACTION') },
  'message.type': {
    changeable: true,
    problem: among('UNSPECIFIED', 'NORMAL', 'FIFO', 'DELAY', 'TRANSACTION', 'MIXED'),
  },
  'reserve.time': { changeable: true, problem: rangeProblem },
};

interface Change {
  readonly isAdded: boolean;
  readonly value: string;
}

/** The words of a change such as `+message.type=FIFO,-reserve.time`. */
export function parseAttributeChange(change: string | undefined): Record<string, string> {
  const words: Record<string, string> = {};
  for (const word of (change ?? '').split(',').filter((each) => each !== '')) {
    const at = word.indexOf('=');
    const key = at < 0 ? word : word.slice(0, at);
    if (at >= 0 && !key.includes('+')) {
      throw wrong(`add/alter attribute format is wrong: ${key}`);
    }
    if (at < 0 && !key.includes('-')) throw wrong(`delete attribute format is wrong: ${key}`);
    if (key in words) throw wrong(`key duplication: ${key}`);
    words[key] = at < 0 ? '' : word.slice(at + 1);
  }
  return words;
}

/**
 * Attributes of a topic after a change, whose keys begin with `+` or `-`. Checked as in Java: only
 * known keys with possible values, and a new topic has nothing to take away. Throws SYSTEM_ERROR.
 */
export function changedAttributes(
  present: Attributes | undefined,
  change: Attributes,
): Record<string, string> {
  const changes = new Map<string, Change>();
  for (const [word, value] of Object.entries(change)) {
    const key = word.slice(1);
    if (key === '' || /[+-]/.test(key)) throw wrong('kv string format wrong.');
    if (changes.has(key)) throw wrong(`alter duplication key. key: ${key}`);
    const isAdded = word.startsWith('+');
    if (!isAdded && present === undefined) {
      throw wrong(`only add attribute is supported while creating topic. key: ${key}`);
    }
    if (!isAdded && !word.startsWith('-')) throw wrong(`wrong format key: ${key}`);
    if (!isAdded && !(key in (present ?? {}))) {
      throw wrong(`attempt to delete a nonexistent key: ${key}`);
    }
    changes.set(key, { isAdded, value });
  }
  const result: Record<string, string> = { ...present };
  for (const [key, { isAdded, value }] of changes) {
    check(key, isAdded ? value : undefined, present === undefined);
    if (isAdded) result[key] = value;
    else delete result[key];
  }
  return result;
}

function check(key: string, value: string | undefined, isNew: boolean): void {
  const declaration = Object.hasOwn(declared, key) ? declared[key] : undefined;
  if (declaration === undefined) throw wrong(`unsupported key: ${key}`);
  if (!isNew && !declaration.changeable) {
    throw wrong(`attempt to update an unchangeable attribute. key: ${key}`);
  }
  const problem = value === undefined ? undefined : declaration.problem(value);
  if (problem !== undefined) throw wrong(problem);
}

function among(...values: readonly string[]): Declaration['problem'] {
  return (value) =>
    values.includes(value) ? undefined : `value is not in set: [${values.join(', ')}]`;
}

function rangeProblem(value: string): string | undefined {
  if (/^(-1|\d{1,18})$/.test(value)) return undefined;
  return 'value is not in range(-1, 9223372036854775807)';
}

function wrong(remark: string): ResponseError {
  return new ResponseError(ResponseCode.SYSTEM_ERROR, remark);
}
