// The yardstick C: the least that a broker could do. It walks frames, finds the fields of a send,
// checksums, encodes a record, appends one write per turn and answers from a template. No topics, no
// routes, no queues on disk, no tolerance: what it costs more than this is what a broker adds.
// Usage: node yardstick.mjs '{"dir":"...","sync":false}'; prints `ready <port>`.
import { closeSync, fdatasync, openSync, readSync, writeSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

const { dir, sync } = JSON.parse(process.argv[2]);
const log = openSync(join(dir, 'log'), 'w+');

const staging = Buffer.allocUnsafeSlow(16 * 1024 * 1024);
const memory = staging.buffer;
const stage = new DataView(memory, staging.byteOffset, staging.length);
let staged = 0;
let position = 0;
let count = 0;
let now = Date.now();

/** Log positions of what was stored, for pulls: one queue is enough here. */
let positions = new Float64Array(1 << 16);

const fixed = 91;
const word = (text) => Buffer.from(text).readInt32BE(0);
const [bQuote, iQuote, flagWord, opaqueWord, extWord] = [
  word('b":"'),
  word('i":"'),
  word('flag'),
  word('opaq'),
  word('extF'),
];

// What the scan of one header leaves behind.
let opaque = 0;
let topicFrom = 0;
let topicTo = 0;
let propsTo = 0;

const special = (w) => {
  const q = w ^ 0x22222222;
  const b = w ^ 0x5c5c5c5c;
  return (((q - 0x01010101) & ~q) | ((b - 0x01010101) & ~b)) & 0x80808080;
};

function closing(bytes, data, at) {
  let p = at;
  for (;;) {
    while (special(data.getInt32(p)) === 0) p += 4;
    for (;;) {
      const c = bytes[p];
      if (c === 0x22) return p;
      if (c === 0x5c) {
        p += 2;
        break;
      }
      p += 1;
    }
  }
}

/** Undoes \u0001 and \u0002 straight into the record. */
function properties(bytes, data, at, out) {
  let p = at;
  let q = out;
  for (;;) {
    let w = data.getInt32(p);
    while (special(w) === 0) {
      stage.setInt32(q, w);
      p += 4;
      q += 4;
      w = data.getInt32(p);
    }
    let c = bytes[p];
    while (c !== 0x22 && c !== 0x5c) {
      staging[q++] = c;
      c = bytes[++p];
    }
    if (c === 0x22) break;
    staging[q++] = bytes[p + 5] - 0x30;
    p += 6;
  }
  propsTo = q;
  return p;
}

function number(bytes, at) {
  let p = at;
  let value = 0;
  for (let c = bytes[p]; c >= 0x30 && c <= 0x39; c = bytes[++p]) value = value * 10 + c - 0x30;
  opaque = value;
  return p;
}

/** Finds topic and opaque; writes the properties to `propsAt` of the staging buffer. */
function scanJson(bytes, data, at, end, propsAt) {
  let p = at;
  propsTo = propsAt;
  while (p < end) {
    const name = data.getInt32(p + 2);
    if (name === extWord) {
      p += 14;
      for (;;) {
        const field = data.getInt32(p + 1);
        if (field === iQuote) p = properties(bytes, data, p + 5, propsAt) + 1;
        else {
          const close = closing(bytes, data, p + 5);
          if (field === bQuote) {
            topicFrom = p + 5;
            topicTo = close;
          }
          p = close + 1;
        }
        if (bytes[p] !== 0x2c) break;
        p += 1;
      }
      p += 1;
    } else if (name === opaqueWord) p = number(bytes, p + 10);
    else if (name === flagWord) p += 9;
    else {
      p = closing(bytes, data, p + 2) + 2;
      p = bytes[p] === 0x22 ? closing(bytes, data, p + 1) + 1 : end;
    }
  }
}

function scanBinary(bytes, data, at, propsAt) {
  opaque = data.getInt32(at + 5);
  const ext = at + 17 + data.getInt32(at + 13);
  const end = ext + 4 + data.getInt32(ext);
  propsTo = propsAt;
  for (let p = ext + 4; p < end;) {
    const value = p + 2 + data.getInt16(p) + 4;
    const size = data.getInt32(value - 4);
    const name = bytes[p + 2];
    if (name === 0x62) {
      topicFrom = value;
      topicTo = value + size;
    } else if (name === 0x69) {
      copyWords(stage, propsAt, data, value, size);
      propsTo = propsAt + size;
    }
    p = value + size;
  }
}

function copyWords(to, at, from, start, size) {
  for (let i = 0; i < size; i += 4) to.setInt32(at + i, from.getInt32(start + i));
}

/** Frames whose header must not be looked at word by word lie in front of their chunk's last bytes. */
function answerTemplate(form) {
  const ext = {
    msgId: '0'.repeat(32),
    queueId: '0',
    queueOffset: '0000000000',
    transactionId: '0'.repeat(32),
  };
  ext.MSG_REGION = 'DefaultRegion';
  ext.TRACE_ON = 'true';
  let header;
  if (form === 0) {
    header = Buffer.from(
      `{"code":0,"extFields":${JSON.stringify(ext)},"flag":1,"language":"JAVA","opaque":0000000,` +
        '"serializeTypeCurrentRPC":"JSON","version":407}',
    );
  } else {
    const entries = Object.entries(ext).map(([name, value]) => {
      const entry = Buffer.alloc(6 + name.length + value.length);
      entry.writeInt16BE(name.length, 0);
      entry.write(name, 2);
      entry.writeInt32BE(value.length, 2 + name.length);
      entry.write(value, 6 + name.length);
      return entry;
    });
    const all = Buffer.concat(entries);
    header = Buffer.alloc(21 + all.length);
    header.writeInt32BE(1, 9);
    header.writeInt32BE(all.length, 17);
    all.copy(header, 21);
  }
  const frame = Buffer.alloc(8 + header.length);
  frame.writeInt32BE(4 + header.length, 0);
  frame.writeInt32BE((form << 24) | header.length, 4);
  header.copy(frame, 8);
  return frame;
}

const templates = [answerTemplate(0), answerTemplate(1)];
const opaqueAt = [templates[0].indexOf('"opaque":') + 9, 13];
const offsetAt = templates.map((t) => t.indexOf('queueOffset') + [14, 15][templates.indexOf(t)]);

/** One per socket: where answers are gathered, and a frame that spans chunks. */
class Connection {
  constructor(socket) {
    this.socket = socket;
    this.out = Buffer.allocUnsafeSlow(64 * 1024);
    this.view = new DataView(this.out.buffer);
    this.used = 0;
    this.ready = 0;
    this.syncing = 0;
    this.carry = undefined;
    this.dirty = false;
  }

  room(size) {
    if (this.used + size <= this.out.length) return;
    const larger = Buffer.allocUnsafeSlow((this.used + size) * 2);
    this.out.copy(larger, 0, 0, this.used);
    this.out = larger;
    this.view = new DataView(larger.buffer);
  }

  answer(form, queueOffset) {
    const template = templates[form];
    this.room(template.length);
    const at = this.used;
    this.out.set(template, at);
    digits(this.view, at + offsetAt[form] + 9, queueOffset);
    if (form === 0) digits(this.view, at + opaqueAt[0] + 6, opaque);
    else this.view.setInt32(at + 13, opaque);
    this.used = at + template.length;
    this.mark();
  }

  mark() {
    if (this.dirty) return;
    this.dirty = true;
    dirty.push(this);
  }

  /** Sends the first `size` bytes. */
  send(size) {
    if (size === 0) return;
    const { socket } = this;
    socket.write(this.out.subarray(0, size));
    const rest = this.used - size;
    if (socket.writableLength === 0) {
      if (rest > 0) this.out.copyWithin(0, size, this.used);
    } else {
      const next = Buffer.allocUnsafeSlow(Math.max(64 * 1024, rest * 2));
      this.out.copy(next, 0, size, this.used);
      this.out = next;
      this.view = new DataView(next.buffer);
    }
    this.used = rest;
  }
}

function digits(view, last, value) {
  let n = value;
  for (let at = last; n > 0; at -= 1) {
    const rest = (n / 10) | 0;
    view.setUint8(at, 0x30 + n - rest * 10);
    n = rest;
  }
}

let dirty = [];
let asked = false;
let isSyncing = false;

function ask() {
  if (asked) return;
  asked = true;
  setImmediate(turn);
}

function write() {
  if (staged === 0) return;
  writeSync(log, staging, 0, staged, position - staged);
  staged = 0;
}

function turn() {
  asked = false;
  write();
  if (sync) return startSync();
  for (const connection of dirty) {
    connection.dirty = false;
    connection.send(connection.used);
  }
  dirty.length = 0;
}

/** One call to the disk at a time; what is appended meanwhile joins the next. */
function startSync() {
  if (isSyncing || dirty.length === 0) return;
  isSyncing = true;
  const epoch = dirty;
  dirty = [];
  for (const connection of epoch) {
    connection.dirty = false;
    connection.syncing = connection.used;
  }
  fdatasync(log, (error) => {
    if (error) throw error;
    isSyncing = false;
    for (const connection of epoch) connection.send(connection.syncing);
    startSync();
  });
}

function append(connection, bytes, data, headerAt, headerEnd, end, form) {
  const room = fixed + (end - headerAt) + 1024;
  if (staged + room > staging.length) write();
  // The topic's length is known after the scan only, and the properties come behind it.
  const scratch = staged + fixed + (end - headerEnd) + 256 + 2;
  if (form === 0) scanJson(bytes, data, headerAt, headerEnd - 1, scratch);
  else scanBinary(bytes, data, headerAt, scratch);
  encode(data, headerEnd, end - headerEnd, scratch);
  connection.answer(form, count - 1);
  ask();
}

/** Each message of a batch becomes a record of its own; the last one's offset is answered. */
function appendBatch(connection, bytes, data, headerAt, headerEnd, end) {
  scanJson(bytes, data, headerAt, headerEnd - 1, staging.length - 64 * 1024);
  for (let at = headerEnd; at < end; at += data.getInt32(at)) {
    const size = data.getInt32(at);
    if (staged + fixed + size + 128 * 1024 > staging.length) write();
    const bodySize = data.getInt32(at + 16);
    const propsFrom = at + 20 + bodySize + 2;
    const scratch = staged + fixed + bodySize + 256 + 2;
    const propsSize = data.getInt16(propsFrom - 2);
    staging.set(new Uint8Array(data.buffer, data.byteOffset + propsFrom, propsSize), scratch);
    propsTo = scratch + propsSize;
    encode(data, at + 20, bodySize, scratch);
  }
  connection.answer(0, count - 1);
  ask();
}

/** Writes a record; its properties lie between `scratch` and `propsTo` already. */
function encode(data, bodyFrom, bodySize, scratch) {
  const start = staged;
  const at = position;
  const topicSize = topicTo - topicFrom;
  const bodyAt = start + 88;
  staging.set(new Uint8Array(data.buffer, data.byteOffset + bodyFrom, bodySize), bodyAt);
  const topicAt = bodyAt + bodySize;
  stage.setUint8(topicAt, topicSize);
  copyWords(stage, topicAt + 1, data, topicFrom, topicSize);
  const propsAt = topicAt + 1 + topicSize;
  const propsSize = propsTo - scratch;
  stage.setInt16(propsAt, propsSize);
  staging.copyWithin(propsAt + 2, scratch, propsTo);
  const size = propsAt + 2 + propsSize - start;
  stage.setInt32(start, size);
  stage.setInt32(start + 4, 0xdaa320a7 | 0);
  stage.setInt32(
    start + 8,
    crc32(new Uint8Array(memory, staging.byteOffset + bodyAt, bodySize)) | 0,
  );
  stage.setInt32(start + 12, 0);
  stage.setInt32(start + 16, 0);
  stage.setInt32(start + 20, Math.floor(count / 4294967296));
  stage.setInt32(start + 24, count);
  stage.setInt32(start + 28, Math.floor(at / 4294967296));
  stage.setInt32(start + 32, at);
  stage.setInt32(start + 36, 0);
  stage.setFloat64(start + 40, now);
  stage.setFloat64(start + 48, 0);
  stage.setFloat64(start + 56, now);
  stage.setFloat64(start + 64, 0);
  stage.setInt32(start + 72, 0);
  stage.setFloat64(start + 76, 0);
  stage.setInt32(start + 84, bodySize);
  staged = start + size;
  position += size;
  if (count === positions.length) {
    const larger = new Float64Array(positions.length * 2);
    larger.set(positions);
    positions = larger;
  }
  positions[count] = at;
  count += 1;
}

/** The offset asked for: `queueOffset` of a pull. */
function pull(connection, bytes, data, headerAt, headerEnd) {
  const header = Buffer.from(data.buffer, data.byteOffset + headerAt, headerEnd - headerAt);
  const text = header.latin1Slice();
  const field = (name) => {
    const from = text.indexOf(name) + name.length;
    return Number.parseInt(text.slice(from, from + 16), 10);
  };
  const from = field('"queueOffset":"');
  const until = Math.min(count, from + 32);
  const start = positions[from];
  const size = (until < count ? positions[until] : position) - start;
  if (staged > 0) write();
  const head = Buffer.from(
    `{"code":0,"extFields":{"maxOffset":"${count}","minOffset":"0","nextBeginOffset":"${until}",` +
      `"suggestWhichBrokerId":"0"},"flag":1,"language":"JAVA","opaque":${field('"opaque":')},` +
      '"remark":"FOUND","serializeTypeCurrentRPC":"JSON","version":407}',
  );
  connection.room(8 + head.length + size);
  const at = connection.used;
  connection.view.setInt32(at, 4 + head.length + size);
  connection.view.setInt32(at + 4, head.length);
  connection.out.set(head, at + 8);
  readSync(log, connection.out, at + 8 + head.length, size, start);
  connection.used = at + 8 + head.length + size;
  connection.mark();
  ask();
}

/** Commit of a half message: reads it back, appends it anew, and a short record of the decision. */
function endTransaction(connection, bytes, data, headerAt, headerEnd) {
  const text = Buffer.from(
    data.buffer,
    data.byteOffset + headerAt,
    headerEnd - headerAt,
  ).latin1Slice();
  const field = (name) => {
    const from = text.indexOf(name) + name.length;
    return Number.parseInt(text.slice(from, from + 16), 10);
  };
  const half = positions[field('"tranStateTableOffset":"')];
  if (staged > 0 && half >= position - staged) write();
  if (staged + 8192 > staging.length) write();
  readSync(log, staging, staged, 4, half);
  const size = stage.getInt32(staged);
  readSync(log, staging, staged, size, half);
  stage.setFloat64(staged + 76, half);
  stage.setInt32(staged + size, 200);
  staged += size + 200;
  position += size + 200;
  opaque = field('"opaque":');
  connection.answer(0, 0);
  ask();
}

function handle(connection, bytes, data, at, end) {
  const headerWord = data.getInt32(at + 4);
  const form = headerWord >>> 24;
  const headerAt = at + 8;
  const headerEnd = headerAt + (headerWord & 0xffffff);
  let code = 0;
  let p = headerAt;
  if (form === 1) code = data.getInt16(headerAt);
  else {
    p += 8;
    for (let c = bytes[p]; c >= 0x30 && c <= 0x39; c = bytes[++p]) code = code * 10 + c - 0x30;
  }
  if (code === 310) append(connection, bytes, data, p, headerEnd, end, form);
  else if (code === 320) appendBatch(connection, bytes, data, p, headerEnd, end);
  else if (code === 11) pull(connection, bytes, data, headerAt, headerEnd);
  else if (code === 37) endTransaction(connection, bytes, data, headerAt, headerEnd);
  else throw new Error(`The yardstick knows no request code ${code}.`);
}

function receive(connection, chunk) {
  now = Date.now();
  let at = connection.carry === undefined ? 0 : finish(connection, chunk);
  if (at === chunk.length) return;
  const bytes = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length);
  const data = new DataView(chunk.buffer, chunk.byteOffset, chunk.length);
  while (bytes.length - at >= 4) {
    const end = at + 4 + data.getInt32(at);
    if (end > bytes.length) break;
    handle(connection, bytes, data, at, end);
    at = end;
  }
  if (at < bytes.length) connection.carry = Buffer.from(bytes.subarray(at));
}

/** Completes a frame that spans chunks; the rest of the chunk is not copied. */
function finish(connection, chunk) {
  const { carry } = connection;
  const total = carry.length >= 4 ? 4 + carry.readInt32BE(0) : carry.length + chunk.length;
  const part = Math.min(total - carry.length, chunk.length);
  const whole = new Uint8Array(carry.length + part + 8);
  whole.set(carry);
  whole.set(chunk.subarray(0, part), carry.length);
  const size = carry.length + part;
  const data = new DataView(whole.buffer);
  const isWhole = size >= 4 && size >= 4 + data.getInt32(0);
  connection.carry = isWhole ? undefined : Buffer.from(whole.subarray(0, size));
  if (isWhole) handle(connection, whole, data, 0, 4 + data.getInt32(0));
  return isWhole ? 4 + data.getInt32(0) - carry.length : part;
}

const server = createServer({ noDelay: true }, (socket) => {
  const connection = new Connection(socket);
  socket.on('data', (chunk) => receive(connection, chunk));
  socket.on('error', () => undefined);
});
server.listen(0, '127.0.0.1', () => console.log(`ready ${server.address().port}`));
process.on('SIGTERM', () => {
  closeSync(log);
  process.exit(0);
});
