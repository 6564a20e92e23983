import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DurableJsonError, nodeFileSystem } from '@nestjs-rocketmq/foundation';
import { KvConfigTable } from './kv-config.table.js';

describe('the key-values', () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'namesrv-'));
    path = join(folder, 'deep', 'kvConfig.json');
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const open = (): KvConfigTable => new KvConfigTable(nodeFileSystem, path);

  it('are there again after a restart, in the form of Apache', () => {
    const table = open();
    table.put('ns', 'k', 'v1');
    table.put('ns', 'k', 'v2');
    table.put('ns', '__proto__', 'p');
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(
      JSON.parse('{"configTable":{"ns":{"k":"v2","__proto__":"p"}}}'),
    );
    const again = open();
    expect(again.get('ns', 'k')).toBe('v2');
    expect(again.get('ns', '__proto__')).toBe('p');
    expect(again.get('ns', 'constructor')).toBeUndefined();
  });

  it('lose an emptied namespace', () => {
    const table = open();
    table.put('ns', 'k', 'v');
    table.delete('ns', 'other');
    expect(table.namespace('ns')).toEqual({ k: 'v' });
    table.delete('ns', 'k');
    expect(table.namespace('ns')).toBeUndefined();
    expect(open().namespace('ns')).toBeUndefined();
  });

  it('come from the .bak when the file is torn', () => {
    const table = open();
    table.put('ns', 'k', 'v1');
    table.put('ns', 'k', 'v2');
    writeFileSync(path, '{"configTable":{"ns":{"k":');
    expect(open().get('ns', 'k')).toBe('v1');
  });

  it('are not started without when both files are broken', () => {
    open().put('ns', 'k', 'v1');
    writeFileSync(path, '{{');
    writeFileSync(`${path}.bak`, '{{');
    expect(open).toThrow(DurableJsonError);
  });
});
