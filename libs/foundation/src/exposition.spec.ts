import { Exposition } from './exposition.js';

describe('Exposition', () => {
  it('prints name, help, kind and samples as Prometheus reads them', () => {
    const text = new Exposition({ node: 'a' });
    text.gauge('size', 'Bytes.', [[{}, 3]]);
    text.counter('sent_total', 'Messages.', [[{ topic: 'a "b"\\\n' }, 1.5]]);
    expect(String(text)).toBe(
      '# HELP size Bytes.\n# TYPE size gauge\nsize{node="a"} 3\n' +
        '# HELP sent_total Messages.\n# TYPE sent_total counter\n' +
        'sent_total{node="a",topic="a \\"b\\"\\\\\\n"} 1.5\n',
    );
  });

  it('prints no more series of a metric than it may', () => {
    const text = new Exposition({}, 1);
    text.gauge('x', 'X.', [
      [{ of: 'a' }, 1],
      [{ of: 'b' }, 2],
    ]);
    expect(String(text)).toBe('# HELP x X.\n# TYPE x gauge\nx{of="a"} 1\n');
  });
});
