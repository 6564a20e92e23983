import { readDurableJson, writeDurableJson } from '@nestjs-rocketmq/foundation';
import type { FileSystem } from '@nestjs-rocketmq/foundation';
import { parseFastjson } from '@nestjs-rocketmq/protocol';

/** Where the order configuration of topics stands: topic -> `brokerA:4;brokerB:4`. */
export const orderTopicNamespace = 'ORDER_TOPIC_CONFIG';

type Namespaces = Record<string, Record<string, string>>;

/**
 * Namespaced key-values, kept in a file in Apache's form: `{"configTable":{namespace:{key:value}}}`.
 * The file is read at the start and rewritten with every change, its predecessor kept as `.bak`.
 */
export class KvConfigTable {
  private readonly namespaces = new Map<string, Map<string, string>>();

  /** Throws `DurableJsonError` when the file is there but can not be read. */
  constructor(
    private readonly fs: FileSystem,
    private readonly path: string,
  ) {
    for (const [name, values] of Object.entries(this.read())) {
      this.namespaces.set(name, new Map(Object.entries(values)));
    }
  }

  get(namespace: string, key: string): string | undefined {
    return this.namespaces.get(namespace)?.get(key);
  }

  /** All of a namespace; undefined when it has nothing. */
  namespace(namespace: string): Record<string, string> | undefined {
    const values = this.namespaces.get(namespace);
    return values && Object.fromEntries(values);
  }

  /** Durable when it returns. */
  put(namespace: string, key: string, value: string): void {
    const values = this.namespaces.get(namespace) ?? new Map<string, string>();
    this.namespaces.set(namespace, values.set(key, value));
    this.write();
  }

  /** Durable when it returns. */
  delete(namespace: string, key: string): void {
    const values = this.namespaces.get(namespace);
    if (values?.delete(key) !== true) return;
    if (values.size === 0) this.namespaces.delete(namespace);
    this.write();
  }

  private read(): Namespaces {
    const file = readDurableJson(this.fs, this.path, parseFastjson) as
      { configTable?: Namespaces } | undefined;
    return file?.configTable ?? {};
  }

  private write(): void {
    const tables = [...this.namespaces].map(([name, values]) => [name, Object.fromEntries(values)]);
    const text = JSON.stringify({ configTable: Object.fromEntries(tables) }, undefined, 2);
    writeDurableJson(this.fs, this.path, text);
  }
}
