import { ByteReader, ByteWriter, crc32 } from './bytes.js';
import { CodedError } from './errors.js';
import { ResourceStack } from './lifecycle.js';
import { consoleLogger } from './logger.js';
import { Turn } from './turn.js';

describe('ByteReader and ByteWriter', () => {
  it('give back what was written, big-endian', () => {
    const writer = new ByteWriter(2);
    writer
      .int8(-1)
      .int16(258)
      .int32(-5)
      .int64(2 ** 40)
      .text('é')
      .patchInt32(3, 77);
    const bytes = writer.finish();
    expect([...bytes.subarray(1, 3)]).toEqual([1, 2]);
    const reader = new ByteReader(bytes);
    expect([reader.int8(), reader.int16(), reader.int32(), reader.int64()]).toEqual([
      -1,
      258,
      77,
      2 ** 40,
    ]);
    expect(reader.text(reader.remaining)).toBe('é');
  });

  it('refuse to leave their buffer', () => {
    const reader = new ByteReader(new Uint8Array(10), 2, 6);
    expect(() => reader.int64()).toThrow('8 bytes were asked at position 2, but 4 remain.');
    expect(() => reader.take8(-1)).toThrow(/-1 bytes/);
    expect(() => new ByteWriter(1, 3).int32(1)).toThrow(/limit of 3/);
  });

  it('refuse a 64-bit integer that a number cannot hold', () => {
    const writer = new ByteWriter().int64(2n ** 60n);
    expect(() => new ByteReader(writer.finish()).int64()).toThrow('1152921504606846976');
  });

  it('crc32 is the one of java.util.zip', () => {
    expect(crc32(Buffer.from('123456789'))).toBe(0xcbf43926);
  });
});

describe('ResourceStack', () => {
  it('closes in reverse order, everything, and reports the failures together', async () => {
    const stack = new ResourceStack();
    const story: string[] = [];
    stack.defer(() => void story.push('first'));
    stack.defer(() => {
      throw new Error('second is stuck');
    });
    stack.use({ close: () => Promise.reject(new Error('third too')) });
    const closing = stack.close();
    await expect(closing).rejects.toBeInstanceOf(AggregateError);
    expect(story).toEqual(['first']);
    expect(stack.close()).toBe(closing);
    expect(() => stack.defer(() => undefined)).toThrow('already closed');
  });
});

describe('Turn', () => {
  it('runs the stages in order, once for many asks', () => {
    let end: (() => void) | undefined;
    const turn = new Turn((run) => (end = run));
    const story: string[] = [];
    turn.onEnd('send', () => story.push('send'));
    turn.onEnd('write', () => story.push('write'));
    turn.onEnd('answer', () => story.push('answer'));
    const remove = turn.onEnd('publish', () => story.push('publish'));
    turn.ask();
    turn.ask();
    end?.();
    expect(story).toEqual(['write', 'publish', 'answer', 'send']);
    remove();
    turn.ask();
    end?.();
    expect(story.slice(4)).toEqual(['write', 'answer', 'send']);
  });

  it('a step may ask for the next turn', () => {
    const ends: (() => void)[] = [];
    const turn = new Turn((run) => ends.push(run));
    turn.onEnd('write', () => turn.ask());
    turn.ask();
    ends.shift()?.();
    expect(ends).toHaveLength(1);
  });
});

describe('CodedError', () => {
  class Broken extends CodedError {
    readonly code = 'BROKEN';
  }

  it('carries code, cause, details and a name of its own', () => {
    const cause = new Error('disk');
    const error = new Broken('It broke.', { cause, details: { at: 3 }, retriable: true });
    expect(error).toMatchObject({ name: 'Broken', code: 'BROKEN', retriable: true, cause });
    expect(error.details).toEqual({ at: 3 });
    expect(new Broken('x')).toMatchObject({ retriable: false, details: {} });
  });
});

describe('consoleLogger', () => {
  it('prints level, name, sentence and fields on one line, from its level on', () => {
    const lines: string[] = [];
    const logger = consoleLogger('broker', { write: (line) => void lines.push(line) });
    logger.debug('hidden');
    logger.child('store').warn('It is full.', { free: 3, path: '/a b', error: new Error('no') });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(
      /^\S+Z WARN {2}\[broker\.store\] It is full\. free=3 path="\/a b" error="no"$/,
    );
  });
});
