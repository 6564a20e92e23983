import { IdleOptions } from './idle-options.js';
import type { Logger } from './logger.js';

function recorder(): Logger & { lines: string[] } {
  const lines: string[] = [];
  const take = (sentence: string): void => void lines.push(sentence);
  const logger = { lines, debug: take, info: take, warn: take, error: take, child: () => logger };
  return logger;
}

describe('IdleOptions', () => {
  const idle = new IdleOptions('A server', [
    { reason: 'there are no threads', names: 'threads\n   moreThreads' },
    { reason: 'there is no map', names: 'map' },
  ]);

  it('knows its names and the reason of each', () => {
    expect(idle.names).toEqual(['threads', 'moreThreads', 'map']);
    expect(idle.has('map')).toBe(true);
    expect(idle.has('')).toBe(false);
    expect(idle.reasonOf('moreThreads')).toBe('there are no threads');
    expect(idle.reasonOf('port')).toBeUndefined();
  });

  it('tells of the given ones, a line for each reason', () => {
    const logger = recorder();
    idle.tell(['threads', 'port', 'map', 'moreThreads'], logger);
    expect(logger.lines).toEqual([
      'A server: threads, moreThreads do nothing here: there are no threads.',
      'A server: map does nothing here: there is no map.',
    ]);
  });

  it('says nothing when none is given', () => {
    const logger = recorder();
    idle.tell(['port'], logger);
    expect(logger.lines).toEqual([]);
  });
});
