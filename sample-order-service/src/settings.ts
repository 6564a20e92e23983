import { SettingsError } from './sample.errors.js';

/** Everything that can be set from outside, read once by `main.ts`. Times are milliseconds. */
export interface Settings {
  readonly port: number;
  readonly host: string;
  /** Name servers of a running cluster; undefined: one is started inside this process. */
  readonly nameServers: string | undefined;
  /** Folder of the embedded database and, when there is one, of the embedded broker. */
  readonly dataDir: string;
  /** A PostgreSQL server; undefined: the embedded database. */
  readonly databaseUrl: string | undefined;
  readonly paymentTimeLimit: number;
  /** How long a local transaction may take before a check-back rules it out. */
  readonly localDeadline: number;
  /** Age from which an unfinished order counts as a violation in `/api/check?mode=full`. */
  readonly livenessBound: number;
  readonly gatewaySecret: string;
  /** Pause between two calls of the gateway that were not answered well. */
  readonly gatewayRetry: number;
  /** How late the outcome `later` is told. */
  readonly gatewayLate: number;
  /** Age from which a captured payment without a callback is looked up at the gateway. */
  readonly reconcileAfter: number;
  /** How often the outbox is looked at for what was not sent. */
  readonly outboxRetry: number;
  /** How long a query waits for the embedded database's one connection. */
  readonly leaseTimeout: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

interface Entry {
  readonly name: string;
  readonly meaning: string;
  readonly fallback?: string;
}

/** The environment variables, for `main.ts --help` and the README. */
export const settingEntries: readonly Entry[] = [
  { name: 'PORT', fallback: '7000', meaning: 'port of the HTTP interface; 0 takes any free one' },
  { name: 'HOST', fallback: '127.0.0.1', meaning: 'address it listens on' },
  { name: 'NAMESRV_ADDR', meaning: 'name servers, host:port with ; between; unset: embedded' },
  { name: 'DATA_DIR', fallback: 'data/sample', meaning: 'folder of what is embedded' },
  { name: 'DATABASE_URL', meaning: 'postgres://... ; unset: embedded PGlite' },
  { name: 'PAYMENT_TIME_LIMIT', fallback: '30m', meaning: 'an order not paid by then is closed' },
  { name: 'LOCAL_DEADLINE', fallback: '5s', meaning: 'longest local transaction' },
  { name: 'LIVENESS_BOUND', fallback: '1m', meaning: 'age from which the check counts leftovers' },
  { name: 'GATEWAY_SECRET', fallback: 'demo-secret', meaning: 'key of the callback signature' },
  { name: 'GATEWAY_RETRY', fallback: '2s', meaning: 'pause before the gateway calls again' },
  { name: 'GATEWAY_LATE', fallback: '10s', meaning: 'delay of the gateway outcome "later"' },
  { name: 'RECONCILE_AFTER', fallback: '15s', meaning: 'age at which payments ask the gateway' },
  { name: 'OUTBOX_RETRY', fallback: '2s', meaning: 'pause between looks into the outbox' },
  { name: 'LEASE_TIMEOUT', fallback: '10s', meaning: 'wait for the embedded database' },
];

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

class Reader {
  readonly problems: string[] = [];
  private readonly known = new Map(settingEntries.map((entry) => [entry.name, entry]));

  constructor(private readonly environment: Environment) {}

  optional(name: string): string | undefined {
    const value = this.environment[name]?.trim() || this.known.get(name)?.fallback;
    return value === '' ? undefined : value;
  }

  text(name: string): string {
    return this.optional(name) ?? '';
  }

  port(name: string): number {
    const text = this.text(name);
    const value = Number(text);
    if (!Number.isInteger(value) || value < 0 || value > 65_535) {
      this.problems.push(`${name}=${text} is not a port (0 to 65535).`);
    }
    return value;
  }

  duration(name: string): number {
    const text = this.text(name);
    const parts = /^(\d+)(ms|s|m|h)$/.exec(text);
    if (parts === null) {
      this.problems.push(`${name}=${text} is not a time such as 500ms, 2s, 30m or 1h.`);
      return 0;
    }
    return Number(parts[1]) * (UNITS[parts[2] ?? 'ms'] ?? 1);
  }
}

/**
 * Reads the settings from an environment.
 *
 * @throws SettingsError naming every value that cannot be used.
 */
export function readSettings(environment: Environment): Settings {
  const from = new Reader(environment);
  const settings: Settings = {
    port: from.port('PORT'),
    host: from.text('HOST'),
    nameServers: from.optional('NAMESRV_ADDR'),
    dataDir: from.text('DATA_DIR'),
    databaseUrl: from.optional('DATABASE_URL'),
    paymentTimeLimit: from.duration('PAYMENT_TIME_LIMIT'),
    localDeadline: from.duration('LOCAL_DEADLINE'),
    livenessBound: from.duration('LIVENESS_BOUND'),
    gatewaySecret: from.text('GATEWAY_SECRET'),
    gatewayRetry: from.duration('GATEWAY_RETRY'),
    gatewayLate: from.duration('GATEWAY_LATE'),
    reconcileAfter: from.duration('RECONCILE_AFTER'),
    outboxRetry: from.duration('OUTBOX_RETRY'),
    leaseTimeout: from.duration('LEASE_TIMEOUT'),
  };
  if (settings.databaseUrl !== undefined && !/^postgres(ql)?:\/\//.test(settings.databaseUrl)) {
    from.problems.push('DATABASE_URL must start with postgres:// or postgresql://.');
  }
  if (settings.localDeadline >= settings.paymentTimeLimit) {
    from.problems.push('LOCAL_DEADLINE must be shorter than PAYMENT_TIME_LIMIT.');
  }
  if (from.problems.length > 0) {
    throw new SettingsError(from.problems.join('\n'), { details: { problems: from.problems } });
  }
  return settings;
}

/** Injection token of the settings. */
export const SETTINGS = Symbol.for('sample-order-service:settings');
