import type { FileSystem } from '@nestjs-rocketmq/foundation';
import { readDurableJson, writeDurableJson } from '@nestjs-rocketmq/foundation';
import { parseFastjson } from '@nestjs-rocketmq/protocol';
import { TableFileError } from './broker.errors.js';

/** A JSON object as it comes from a file. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Where a table is kept. */
export interface TableStorage {
  /** The object kept, or undefined when there is none. Throws when it is unreadable. */
  read(): JsonObject | undefined;
  /** Replaces it. */
  write(value: unknown): void;
  /** The same with a text that was put together already. */
  writeText(json: string): void;
}

/**
 * One of the tables under `config/`, in Apache's JSON: read with its `.bak` as second chance,
 * written whole (Apache's `ConfigManager`). Files written by Java may have unquoted integer keys;
 * what we write is standard JSON, which Java reads as well.
 */
export class TableFile implements TableStorage {
  constructor(
    private readonly fileSystem: FileSystem,
    readonly path: string,
    /** Told when the file is broken and its `.bak` counts. */
    private readonly warn?: (sentence: string) => void,
  ) {}

  read(): JsonObject | undefined {
    const parse = (text: string): unknown => parseFastjson(text);
    const value = readDurableJson(this.fileSystem, this.path, parse, this.warn);
    if (value === undefined || isObject(value)) return value;
    throw new TableFileError(`${this.path} must hold a JSON object; repair or remove it.`, {
      details: { path: this.path },
    });
  }

  write(value: unknown): void {
    this.writeText(JSON.stringify(value, undefined, '\t'));
  }

  writeText(json: string): void {
    writeDurableJson(this.fileSystem, this.path, json);
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A member of a table that must be an object itself; an absent one counts as empty. */
export function objectMember(table: JsonObject | undefined, name: string): JsonObject {
  const member = table?.[name];
  return isObject(member) ? member : {};
}
