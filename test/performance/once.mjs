// Single requests, for preparing a server and for timing its start.
import { connect } from 'node:net';
import { AnswerReader } from './answers.mjs';

/** Sends one frame over a connection of its own; gives back the code of the answer. */
export function askOnce(port, frame, timeoutMs = 5_000) {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    const timer = setTimeout(() => fail(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    const end = (finish) => {
      clearTimeout(timer);
      socket.destroy();
      finish();
    };
    const fail = (error) => end(() => reject(error));
    socket.once('error', fail);
    const reader = new AnswerReader((_opaque, code) => end(() => resolve(code)));
    socket.on('data', (chunk) => reader.push(chunk));
    socket.write(frame);
  });
}

/** Asks again and again, every few milliseconds, until the code is `wanted`. */
export async function askUntil(port, frame, wanted, deadlineMs = 60_000) {
  const end = performance.now() + deadlineMs;
  let last = 'no answer';
  while (performance.now() < end) {
    try {
      const code = await askOnce(port, frame, 2_000);
      if (wanted.includes(code)) return;
      last = `code ${code}`;
    } catch (error) {
      last = String(error);
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`The server on port ${port} never answered as it should: ${last}.`);
}

/** Sends frames in turn, `count` in all, at most `depth` at once; throws unless all are accepted. */
export function sendMany(port, frames, count, depth = 64) {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    let sent = 0;
    let done = 0;
    socket.once('error', reject);
    const reader = new AnswerReader((_opaque, code) => {
      if (code !== 0) return reject(new Error(`a send was answered with code ${code}`));
      done += 1;
      if (sent < count) {
        socket.write(frames[sent % frames.length]);
        sent += 1;
      }
      if (done < count) return;
      socket.destroy();
      resolve();
    });
    socket.on('data', (chunk) => reader.push(chunk));
    for (; sent < Math.min(depth, count); sent += 1) socket.write(frames[sent % frames.length]);
  });
}

/** A connection that stays open, for one question at a time. */
export class Line {
  static async open(port) {
    const line = new Line();
    line.socket = connect({ host: '127.0.0.1', port, noDelay: true });
    await new Promise((resolve, reject) => {
      line.socket.once('connect', resolve);
      line.socket.once('error', reject);
    });
    const reader = new AnswerReader((_opaque, code) => line.answered?.(code));
    line.socket.on('data', (chunk) => reader.push(chunk));
    return line;
  }

  /** Throws unless the answer's code is 0. */
  async ask(frame) {
    const code = await new Promise((resolve) => {
      this.answered = resolve;
      this.socket.write(frame);
    });
    if (code !== 0) throw new Error(`a request was answered with code ${code}`);
  }

  close() {
    this.socket.destroy();
  }
}
