import { changedAttributes, parseAttributeChange } from './attributes.js';

describe('attributes of a topic', () => {
  const change = (present: Record<string, string> | undefined, text: string) =>
    changedAttributes(present, parseAttributeChange(text));

  it('are added, changed and taken away', () => {
    expect(change(undefined, '+message.type=FIFO,+reserve.time=5')).toEqual({
      'message.type': 'FIFO',
      'reserve.time': '5',
    });
    expect(change({ 'message.type': 'FIFO' }, '+message.type=DELAY')).toEqual({
      'message.type': 'DELAY',
    });
    expect(change({ 'message.type': 'FIFO' }, '-message.type')).toEqual({});
    expect(changedAttributes({ 'message.type': 'FIFO' }, {})).toEqual({ 'message.type': 'FIFO' });
  });

  it.each([
    [undefined, 'message.type=FIFO', 'add/alter attribute format is wrong: message.type'],
    [undefined, 'message.type', 'delete attribute format is wrong: message.type'],
    [undefined, '-message.type', 'only add attribute is supported while creating topic'],
    [undefined, '+no.such=1', 'unsupported key: no.such'],
    [undefined, '+message.type=SOME', 'value is not in set'],
    [undefined, '+reserve.time=-2', 'value is not in range(-1, 9223372036854775807)'],
    [{}, '+queue.type=BatchCQ', 'attempt to update an unchangeable attribute. key: queue.type'],
    [{}, '-message.type', 'attempt to delete a nonexistent key: message.type'],
    [{}, '+message.type=FIFO,+message.type=FIFO', 'key duplication: +message.type'],
    [{}, '+a+b=1', 'kv string format wrong.'],
  ])('of %j are not changed by %s', (present, text, problem) => {
    expect(() => change(present, text)).toThrow(problem);
  });
});
