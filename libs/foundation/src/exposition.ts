type Labels = Readonly<Record<string, string | number>>;

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '\n': '\\n' };

function labelText(labels: Labels): string {
  const parts = Object.entries(labels).map(
    ([name, value]) =>
      `${name}="${String(value).replace(/[\\"\n]/g, (one) => escapes[one] ?? one)}"`,
  );
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}

/** Gathers figures and prints them in the text format that Prometheus reads. */
export class Exposition {
  private readonly lines: string[] = [];

  /** `common` stands on every sample; a metric has at most `mostSeries` of them. */
  constructor(
    private readonly common: Labels = {},
    private readonly mostSeries = 50_000,
  ) {}

  gauge(name: string, help: string, samples: Iterable<readonly [Labels, number]>): void {
    this.add('gauge', name, help, samples);
  }

  counter(name: string, help: string, samples: Iterable<readonly [Labels, number]>): void {
    this.add('counter', name, help, samples);
  }

  toString(): string {
    return `${this.lines.join('\n')}\n`;
  }

  private add(
    kind: string,
    name: string,
    help: string,
    samples: Iterable<readonly [Labels, number]>,
  ): void {
    const { lines, common, mostSeries } = this;
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${kind}`);
    let count = 0;
    for (const [labels, value] of samples) {
      if ((count += 1) > mostSeries) break;
      lines.push(`${name}${labelText({ ...common, ...labels })} ${value}`);
    }
  }
}
