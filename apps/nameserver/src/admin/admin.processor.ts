import { OptionsError, parseProperties, PropertiesError } from '@nestjs-rocketmq/foundation';
import { ResponseCode, ResponseError } from '@nestjs-rocketmq/protocol';
import type {
  Asked,
  DeleteKvConfig,
  GetKvConfig,
  GetKvlistByNamespace,
  GetNamesrvConfig,
  PutKvConfig,
  UpdateNamesrvConfig,
} from '@nestjs-rocketmq/protocol';
import type { Call, Outcome } from '@nestjs-rocketmq/remoting';
import type { KvConfigTable } from './kv-config.table.js';
import type { RunningSettings } from './running-settings.js';

/** Key-values and settings. */
export class AdminProcessor {
  constructor(
    private readonly kvConfig: KvConfigTable,
    private readonly settings: RunningSettings,
  ) {}

  readonly putKv = ({ namespace, key, value }: Asked<typeof PutKvConfig>): void => {
    this.kvConfig.put(namespace, key, value);
  };

  readonly getKv = ({ namespace, key }: Asked<typeof GetKvConfig>): Outcome<typeof GetKvConfig> => {
    const value = this.kvConfig.get(namespace, key);
    if (value !== undefined) return { header: { value } };
    return {
      code: 'QUERY_NOT_FOUND',
      remark: `No config item, Namespace: ${namespace} Key: ${key}`,
    };
  };

  readonly deleteKv = ({ namespace, key }: Asked<typeof DeleteKvConfig>): void => {
    this.kvConfig.delete(namespace, key);
  };

  readonly listKv = ({
    namespace,
  }: Asked<typeof GetKvlistByNamespace>): Outcome<typeof GetKvlistByNamespace> => {
    const table = this.kvConfig.namespace(namespace);
    if (table !== undefined) return { body: { table } };
    return { code: 'QUERY_NOT_FOUND', remark: `No config item, Namespace: ${namespace}` };
  };

  readonly getConfig = (): Outcome<typeof GetNamesrvConfig> => ({ body: this.settings.print() });

  readonly updateConfig = (
    _asked: object,
    { body }: Call<typeof UpdateNamesrvConfig>,
  ): Outcome<typeof UpdateNamesrvConfig> => {
    try {
      const changes = parseProperties(body);
      const untouchable = this.settings.untouchableIn(changes);
      if (untouchable !== undefined) {
        const remark = `'${untouchable}' can not be changed while the nameserver runs`;
        throw new ResponseError(ResponseCode.NO_PERMISSION, remark);
      }
      const late = this.settings.change(changes);
      return late.length === 0 ? {} : { remark: `after a restart: ${late.join(', ')}` };
    } catch (error) {
      if (!(error instanceof OptionsError || error instanceof PropertiesError)) throw error;
      throw new ResponseError(ResponseCode.SYSTEM_ERROR, error.message, { cause: error });
    }
  };
}
