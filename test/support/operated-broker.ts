import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Logger, parseProperties } from '@nestjs-rocketmq/foundation';
import type { BrokerOptions } from '@nestjs-rocketmq/broker';
import {
  GetBrokerConfig,
  GetBrokerRuntimeInfo,
  ResponseError,
  UpdateBrokerConfig,
} from '@nestjs-rocketmq/protocol';
import { RawBroker, temporaryFolder } from './raw-broker.js';

/** A logger that keeps its lines, `level sentence`. */
export function keepingLogger(lines: string[]): Logger {
  const keep =
    (level: string) =>
    (sentence: string): void =>
      void lines.push(`${level} ${sentence}`);
  const logger: Logger = {
    debug: keep('debug'),
    info: keep('info'),
    warn: keep('warn'),
    error: keep('error'),
    child: () => logger,
  };
  return logger;
}

/** What a command was refused with. */
export async function refusalOf(work: Promise<unknown>): Promise<ResponseError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof ResponseError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

/** A broker started with the text of a configuration file, and asked as an operator would. */
export class OperatedBroker implements AsyncDisposable {
  private constructor(
    readonly raw: RawBroker,
    /** Of everything: the file, and the store unless the file says another. */
    readonly folder: string,
    readonly file: string,
    /** What the log said. */
    readonly lines: readonly string[],
    private readonly remove: () => void,
  ) {}

  /** `FOLDER` in the text stands for a temporary folder. Ports are free ones unless it sets them. */
  static async start(text: string, options: BrokerOptions = {}): Promise<OperatedBroker> {
    const { path, remove } = temporaryFolder();
    const file = join(path, 'broker.conf');
    writeFileSync(file, text.replaceAll('FOLDER', path));
    const lines: string[] = [];
    try {
      const given = parseProperties(readFileSync(file, 'utf8'));
      const raw = await RawBroker.start(given, {
        ...(given['storePathRootDir'] === undefined ? { dir: join(path, 'store') } : { dir: '' }),
        configFile: file,
        logger: keepingLogger(lines),
        ...options,
      });
      return new OperatedBroker(raw, path, file, lines, remove);
    } catch (error) {
      remove();
      throw error;
    }
  }

  get written(): string {
    return readFileSync(this.file, 'utf8');
  }

  /** 25; the remark of its answer. */
  async change(text: string): Promise<string | undefined> {
    const { client, address } = this.raw;
    const how = { body: text, timeoutMs: 30_000 };
    return (await client.invoke(address, UpdateBrokerConfig, {}, how)).remark;
  }

  /** 26. */
  async settings(): Promise<Record<string, string>> {
    const { client, address } = this.raw;
    return parseProperties(
      (await client.invoke(address, GetBrokerConfig, {}, { timeoutMs: 30_000 })).body,
    );
  }

  /** 28. */
  async figures(): Promise<Readonly<Record<string, string>>> {
    const { client, address } = this.raw;
    const { body } = await client.invoke(address, GetBrokerRuntimeInfo, {}, { timeoutMs: 30_000 });
    return body.table;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.raw[Symbol.asyncDispose]();
    this.remove();
  }
}
