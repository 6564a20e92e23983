import { checkHistory, eventsOf } from './orderly-history.js';

const text = (...lines: string[]) => `${lines.join('\n')}\n`;

describe('the history of an orderly group', () => {
  it('counts what was handled, what came again, and changes', () => {
    const history = text(
      'a 0 0 k 0',
      'a 0 1 k 1',
      '! kill a',
      'b 0 1 k 1',
      'b 0 2 k 2',
      'b 1 0 l 0',
    );
    expect(checkHistory(history)).toEqual({ handled: 5, repeated: 1, changes: 1 });
    expect(eventsOf(history)).toEqual(
      new Map([
        ['k', 3],
        ['l', 1],
      ]),
    );
  });

  it('finds a message that was skipped', () => {
    expect(() => checkHistory(text('a 0 0 k 0', 'a 0 2 k 1'))).toThrow(
      "line 2, 'a 0 2 k 1': 1 messages of the queue were skipped",
    );
  });

  it('finds two members at one queue', () => {
    const both = text('! join b', 'a 0 0 k 0', 'a 0 1 k 1', 'b 0 0 k 0', 'a 0 2 k 2');
    expect(() => checkHistory(both)).toThrow('were skipped');
  });

  it('finds a step back without a reason', () => {
    expect(() => checkHistory(text('a 0 0 k 0', 'a 0 0 k 0'))).toThrow('no member came or went');
  });

  it('finds events of a key in the wrong order', () => {
    expect(() => checkHistory(text('a 0 0 k 0', 'a 0 1 k 2'))).toThrow('event 1 of k was to come');
  });
});
