import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeFileSystem } from './file-system.js';
import { LogFile } from './log-file.js';
import { LogSinks } from './log-sinks.js';
import type { Logger } from './logger.js';

function recorder(lines: string[]): Logger {
  const take = (sentence: string): void => void lines.push(sentence);
  return { debug: take, info: take, warn: take, error: take, child: () => recorder(lines) };
}

describe('LogSinks', () => {
  let folder: string;
  let lines: string[];
  const file = (bytes = 1000, pieces = 2): LogFile =>
    new LogFile({ fileSystem: nodeFileSystem, path: join(folder, 'logs/a.log'), bytes, pieces });
  const written = (name = 'a.log'): string => readFileSync(join(folder, 'logs', name), 'utf8');

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'nestjs-rocketmq-log-'));
    lines = [];
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('says everything to both, also what was said before the file was known', () => {
    const sinks = new LogSinks('broker', recorder(lines));
    sinks.logger.child('store').warn('early', { at: 1 });
    sinks.open(file());
    sinks.logger.info('late');
    sinks.close();
    expect(lines).toEqual(['early', 'late']);
    expect(written()).toMatch(/ WARN  \[broker\.store\] early at=1\n.* INFO  \[broker\] late\n$/);
  });

  it('changes its level at once, for all loggers made before', () => {
    const sinks = new LogSinks('broker', recorder(lines));
    const child = sinks.logger.child('store');
    child.debug('not yet');
    sinks.level = 'debug';
    child.debug('now');
    sinks.level = 'error';
    child.warn('no more');
    expect(lines).toEqual(['now']);
  });

  it('begins a file anew when it is long enough, and keeps as many pieces as it may', () => {
    const log = file(10, 2);
    for (const line of ['first line', 'second line', 'third line', 'fourth line']) log.write(line);
    expect(readdirSync(join(folder, 'logs')).toSorted()).toEqual(['a.log.1', 'a.log.2']);
    expect(written('a.log.1')).toBe('fourth line\n');
    expect(written('a.log.2')).toBe('third line\n');
    log.write('5');
    expect(written()).toBe('5\n');
    log.close();
  });

  it('goes on at the end of a file that is there', () => {
    const before = file();
    before.write('one');
    before.close();
    const after = file();
    after.write('two');
    after.close();
    after.write('after the end');
    expect(written()).toBe('one\ntwo\n');
  });
});
