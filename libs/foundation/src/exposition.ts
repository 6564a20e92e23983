type Labels = Readonly<Record<string, string | number>>;

/** How often values fell up to each bound, and above the last. */
export interface Distribution {
  readonly bounds: readonly number[];
  /** One more than bounds. */
  readonly counts: Float64Array;
  readonly sum: number;
}

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

  /** Each with the bounds it knows, what lies up to each, sum and count. */
  histogram(name: string, help: string, samples: Iterable<readonly [Labels, Distribution]>): void {
    const { lines, common, mostSeries } = this;
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} histogram`);
    let series = 0;
    for (const [labels, { bounds, counts, sum }] of samples) {
      if ((series += 1) > mostSeries) break;
      let count = 0;
      for (const [at, one] of counts.entries()) {
        count += one;
        const le = bounds[at] ?? '+Inf';
        lines.push(`${name}_bucket${labelText({ ...common, ...labels, le })} ${count}`);
      }
      const all = labelText({ ...common, ...labels });
      lines.push(`${name}_sum${all} ${sum}`, `${name}_count${all} ${count}`);
    }
  }

  /** The samples alone, a line for each. */
  samples(): string[] {
    return this.lines.filter((line) => !line.startsWith('#'));
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
