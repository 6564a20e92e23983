import { OptionsError, PropertiesError } from '@nestjs-rocketmq/foundation';
import {
  type DataVersion,
  type GetBrokerConfig,
  ResponseCode,
  ResponseError,
  type UpdateBrokerConfig,
} from '@nestjs-rocketmq/protocol';
import type { Call, Outcome } from '@nestjs-rocketmq/remoting';
import { BrokerRoleError } from '../broker.errors.js';
import { changesOf, type LiveSettings } from '../settings/live-settings.js';

export interface ConfigurationParts {
  readonly settings: LiveSettings;
  /** Epoch ms. */
  readonly startedAt: number;
}

/** Settings of this broker: shown, and changed while it runs. */
export class ConfigurationProcessor {
  constructor(private readonly parts: ConfigurationParts) {}

  settings(): Outcome<typeof GetBrokerConfig> {
    const { settings, startedAt } = this.parts;
    const lines = Object.entries(settings.texts()).map(([name, value]) => `${name}=${value}`);
    const version: DataVersion = {
      counter: settings.changes,
      stateVersion: 0,
      timestamp: startedAt,
    };
    return { header: { version: JSON.stringify(version) }, body: `${lines.join('\n')}\n` };
  }

  /** What needs a restart, and what does nothing here, is said in the remark. */
  change({
    body,
  }: Pick<Call<typeof UpdateBrokerConfig>, 'body'>): Outcome<typeof UpdateBrokerConfig> {
    const { settings } = this.parts;
    try {
      const changes = changesOf(body);
      const untouchable = settings.untouchableIn(changes);
      if (untouchable !== undefined) {
        const remark = `Can not update config in black list: '${untouchable}'.`;
        throw new ResponseError(ResponseCode.NO_PERMISSION, remark);
      }
      const { late, idle } = settings.change(changes);
      const remarks = [
        ...(late.length > 0 ? [`after a restart: ${late.join(', ')}`] : []),
        ...(idle.length > 0 ? [`without meaning here: ${idle.join(', ')}`] : []),
      ];
      return remarks.length === 0 ? {} : { remark: remarks.join('; ') };
    } catch (error) {
      if (!isRefusal(error)) throw error;
      throw new ResponseError(ResponseCode.SYSTEM_ERROR, error.message, { cause: error });
    }
  }
}

function isRefusal(error: unknown): error is Error {
  return (
    error instanceof OptionsError ||
    error instanceof PropertiesError ||
    error instanceof BrokerRoleError
  );
}
