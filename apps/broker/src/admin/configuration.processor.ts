import { type DataVersion, type GetBrokerConfig } from '@nestjs-rocketmq/protocol';
import type { Outcome } from '@nestjs-rocketmq/remoting';

export interface ConfigurationParts {
  /** Every option with its value, as text. */
  readonly settings: Readonly<Record<string, string>>;
  /** Epoch ms. */
  readonly startedAt: number;
}

/** Settings of this broker. */
export class ConfigurationProcessor {
  constructor(private readonly parts: ConfigurationParts) {}

  settings(): Outcome<typeof GetBrokerConfig> {
    const lines = Object.entries(this.parts.settings).map(([name, value]) => `${name}=${value}`);
    const version: DataVersion = { counter: 0, stateVersion: 0, timestamp: this.parts.startedAt };
    return { header: { version: JSON.stringify(version) }, body: `${lines.join('\n')}\n` };
  }
}
