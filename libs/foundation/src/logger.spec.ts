import { forgivingLogger, type Logger } from './logger.js';

describe('a forgiving logger', () => {
  it('passes everything on, also through its children', () => {
    const lines: unknown[] = [];
    const say =
      (level: string, name: string) =>
      (...what: unknown[]): void =>
        void lines.push([level, name, ...what]);
    const named = (name: string): Logger => ({
      debug: say('debug', name),
      info: say('info', name),
      warn: say('warn', name),
      error: say('error', name),
      child: (inner) => named(`${name}.${inner}`),
    });
    const logger = forgivingLogger(named('a'));
    logger.info('One.', { n: 1 });
    logger.child('b').error('Two.');
    expect(lines).toEqual([
      ['info', 'a', 'One.', { n: 1 }],
      ['error', 'a.b', 'Two.', undefined],
    ]);
  });

  it('swallows what the logger throws', () => {
    const broken = (): never => {
      throw new Error('no space left');
    };
    const logger = forgivingLogger({
      debug: broken,
      info: broken,
      warn: broken,
      error: broken,
      child: broken,
    });
    expect(() => {
      logger.debug('a');
      logger.child('b').warn('c');
    }).not.toThrow();
  });
});
