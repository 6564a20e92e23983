import { isObject, type JsonObject, type TableStorage } from '../table-file.js';

/** A table kept in memory, through JSON as a file would; for specs. */
export class MemoryTable implements TableStorage {
  writes = 0;

  constructor(public text: string | undefined = undefined) {}

  read(): JsonObject | undefined {
    if (this.text === undefined) return undefined;
    const value = JSON.parse(this.text) as unknown;
    return isObject(value) ? value : undefined;
  }

  write(value: unknown): void {
    this.writeText(JSON.stringify(value));
  }

  writeText(json: string): void {
    this.writes += 1;
    this.text = json;
  }
}
