// Reads answers as cheaply as a loader must: the code is checked, the opaque found, the rest left.

const opaqueName = Buffer.from('"opaque":');

/** Walks answers in the chunks of one socket. `each(opaque, code, bytes, headerAt, headerEnd, end)`. */
export class AnswerReader {
  /** Where the opaque stood in the last JSON header, counted from its end. */
  tail = 0;
  carry = undefined;

  constructor(each) {
    this.each = each;
  }

  push(chunk) {
    let bytes = chunk;
    if (this.carry !== undefined) {
      bytes = Buffer.concat([this.carry, chunk]);
      this.carry = undefined;
    }
    const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    let at = 0;
    while (bytes.length - at >= 8) {
      const end = at + 4 + data.getInt32(at);
      if (end > bytes.length) break;
      this.frame(bytes, data, at, end);
      at = end;
    }
    if (at < bytes.length) this.carry = Buffer.from(bytes.subarray(at));
  }

  frame(bytes, data, at, end) {
    const word = data.getInt32(at + 4);
    const headerAt = at + 8;
    const headerEnd = headerAt + (word & 0xffffff);
    if (word >>> 24 === 1) {
      const code = data.getInt16(headerAt);
      return this.each(data.getInt32(headerAt + 5), code, bytes, headerAt, headerEnd, end);
    }
    let p = headerEnd - this.tail;
    // `"opaque":` ends right before the digits, so one comparison confirms a guess.
    if (this.tail === 0 || data.getInt32(p - 4) !== 0x7565223a)
      p = this.find(bytes, headerAt, headerEnd);
    let opaque = 0;
    for (let c = bytes[p]; c >= 0x30 && c <= 0x39; c = bytes[++p]) opaque = opaque * 10 + c - 0x30;
    // `{"code":0,` in front means SUCCESS; anything else is read in full.
    const isSuccess = data.getInt32(headerAt + 6) === 0x223a302c;
    const code = isSuccess ? 0 : JSON.parse(bytes.toString('utf8', headerAt, headerEnd)).code;
    this.each(opaque, code, bytes, headerAt, headerEnd, end);
  }

  find(bytes, headerAt, headerEnd) {
    const found = bytes.indexOf(opaqueName, headerAt);
    if (found < 0 || found > headerEnd) throw new Error('An answer has no opaque number.');
    const p = found + opaqueName.length;
    this.tail = headerEnd - p;
    return p;
  }
}
