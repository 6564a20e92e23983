import { Packr } from 'msgpackr';
import type { MessageConverter } from './message-converter.js';

export const JSON_TYPE = 'application/json';
export const MESSAGE_PACK_TYPE = 'application/msgpack';
export const TEXT_TYPE = 'text/plain';
export const BYTES_TYPE = 'application/octet-stream';

const encoder = new TextEncoder();
// `fatal`: bytes that are no UTF-8 are an error instead of question marks in a database.
const decoder = new TextDecoder('utf-8', { fatal: true });

export const jsonConverter: MessageConverter = {
  contentType: JSON_TYPE,
  write(payload) {
    const text = JSON.stringify(payload) as string | undefined;
    if (text === undefined) throw new TypeError(`JSON has no form for a ${typeof payload}`);
    return encoder.encode(text);
  },
  read: (body) => JSON.parse(decoder.decode(body)) as unknown,
};

// Plain maps and no extensions of msgpackr's own, so that other languages can read it. `auto` gives
// a number where it is exact and a bigint beyond; msgpackr's types do not name it.
const packr = new Packr({
  useRecords: false,
  structuredClone: false,
  // Two bytes less for every small object.
  variableMapSize: true,
  int64AsType: 'auto' as 'bigint',
});

export const messagePackConverter: MessageConverter = {
  contentType: MESSAGE_PACK_TYPE,
  // msgpackr reuses its buffer: a message that waits for its turn needs bytes of its own.
  write: (payload) => Uint8Array.from(packr.pack(payload)),
  read: (body) => packr.unpack(body) as unknown,
};

export const textConverter: MessageConverter = {
  contentType: TEXT_TYPE,
  write(payload) {
    if (typeof payload !== 'string') throw new TypeError('only a text can be sent as text/plain');
    return encoder.encode(payload);
  },
  read: (body) => decoder.decode(body),
};

export const bytesConverter: MessageConverter = {
  contentType: BYTES_TYPE,
  write(payload) {
    if (!(payload instanceof Uint8Array)) throw new TypeError('only bytes can be sent as bytes');
    return payload;
  },
  read: (body) => body,
};
