import { HeaderError } from '../protocol.errors.js';
import { bool, int32, int64, offsetId, readFields, text, writeFields } from './header-schema.js';

const fields = {
  topic: text().names('topic').onWire('b'),
  queueId: int32(),
  offset: int64(),
  limit: int64().saturating().optional(),
  isOn: bool().default(true),
  key: text().optional().secret().onWire('key', 'oldKey'),
  msgId: offsetId().optional(),
};
const wire = { b: 'T', queueId: '3', offset: '7' };

describe('a declared header', () => {
  it('is plain data that others can walk', () => {
    expect({ ...fields.topic }).toEqual({
      kind: 'text',
      wireName: 'b',
      isOptional: false,
      fallback: undefined,
      resource: 'topic',
      isSecret: false,
      isSaturating: false,
      formerNames: [],
    });
    expect(fields.isOn).toMatchObject({ kind: 'bool', isOptional: true, fallback: true });
  });

  it('reads wire names, fills defaults and ignores unknown fields', () => {
    expect(readFields(fields, { ...wire, other: 'x' })).toEqual({
      topic: 'T',
      queueId: 3,
      offset: 7,
      isOn: true,
    });
  });

  it('reads a field under the name that older peers use', () => {
    expect(readFields(fields, { ...wire, oldKey: 'k' }).key).toBe('k');
    expect(readFields(fields, { ...wire, oldKey: 'k', key: 'new' }).key).toBe('new');
  });

  it('takes empty numbers and booleans as absent, as the binary header cannot tell', () => {
    const read = readFields(fields, { ...wire, isOn: '', limit: '', msgId: '', key: '' });
    expect(read).toEqual({ topic: 'T', queueId: 3, offset: 7, isOn: true, key: '' });
    expect(() => readFields(fields, { ...wire, queueId: '' })).toThrow("'queueId' is missing");
  });

  it('takes anything but true as false, as Java does', () => {
    for (const value of ['TRUE', 'True']) {
      expect(readFields(fields, { ...wire, isOn: value }).isOn).toBe(true);
    }
    for (const value of ['false', '1', 'yes', 'true ']) {
      expect(readFields(fields, { ...wire, isOn: value }).isOn).toBe(false);
    }
  });

  it("keeps Java's largest long as no limit, there and back", () => {
    const read = readFields(fields, { ...wire, limit: '9223372036854775807' });
    expect(read.limit).toBe(Number.MAX_SAFE_INTEGER);
    expect(writeFields(fields, read, {})['limit']).toBe('9223372036854775807');
  });

  it.each([
    ['queueId', '2147483648'],
    ['queueId', '1.5'],
    ['queueId', 'abc'],
    ['queueId', '0x10'],
    ['queueId', ' 1'],
    ['offset', '9007199254740993'],
    ['offset', '9223372036854775808'],
    ['limit', '9223372036854775808'],
    ['limit', '1e3'],
  ])('refuses %s given as %j and names the field', (name, value) => {
    expect(() => readFields(fields, { ...wire, [name]: value })).toThrow(HeaderError);
    expect(() => readFields(fields, { ...wire, [name]: value })).toThrow(`'${name}'`);
  });

  it('names a missing field by both of its names', () => {
    expect(() => readFields(fields, { queueId: '1', offset: '1' })).toThrow(
      "header field 'topic' ('b' on the wire) is missing",
    );
  });

  it.each([
    ['queueId', 2 ** 31],
    ['queueId', 1.5],
    ['offset', 2 ** 53],
    ['offset', Number.NaN],
    ['isOn', 'true'],
    ['topic', 5],
  ])('refuses to write %s as %p', (name, value) => {
    const values = { topic: 'T', queueId: 1, offset: 1, [name]: value };
    expect(() => writeFields(fields, values, {})).toThrow(HeaderError);
  });

  it('never shows a secret', () => {
    expect(() => writeFields(fields, { topic: 'T', queueId: 1, offset: 1, key: 42 }, {})).toThrow(
      "header field 'key' must be a text, but is ***",
    );
  });
});
