// The load, as a process of its own: raw frames, answers matched by opaque and checked.
// Told by messages of its parent: a job, see `run`; answers 'started' and 'ended' with the figures.
import { connect } from 'node:net';
import { AnswerReader } from './answers.mjs';
import {
  batchFrame,
  commitFrame,
  firstOpaque,
  pullFrame,
  routeFrame,
  sendFrame,
} from './frames.mjs';

const bodyBytes = 1024;
const opaqueName = '"opaque":';

/** Answers seen, and how long the last ones took. */
class Figures {
  done = 0;
  wrong = 0;
  firstWrong = undefined;
  isMeasuring = false;
  latencies = new Float64Array(1 << 20);
  count = 0;

  answer(opaque, code, latency) {
    if (code !== 0) {
      this.wrong += 1;
      this.firstWrong ??= code;
    }
    if (!this.isMeasuring) return;
    this.done += 1;
    this.latencies[this.count++ & (this.latencies.length - 1)] = latency;
  }

  begin() {
    this.done = 0;
    this.count = 0;
    this.isMeasuring = true;
  }

  summary(ms) {
    const sorted = this.latencies.slice(0, Math.min(this.count, this.latencies.length)).toSorted();
    const at = (share) =>
      sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
    const { done, wrong, firstWrong } = this;
    return { done, wrong, firstWrong, ms, p50: at(0.5), p99: at(0.99), p999: at(0.999) };
  }
}

function open(port) {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true }, () => resolve(socket));
    socket.once('error', reject);
  });
}

/** Keeps `depth` requests of one connection under way; each answer sends its slot's frame again. */
class ClosedLoop {
  constructor(socket, job, index, figures) {
    this.socket = socket;
    this.job = job;
    this.index = index;
    this.figures = figures;
    const count = job.depth;
    const queue = (slot) => ({
      topic: `${job.topic}${(index + slot) % job.topics}`,
      queueId: (index * 3 + slot) % job.queues,
    });
    // Each connection pulls from a queue of its own, as far as there are some.
    this.pulled = { topic: `${job.topic}0`, queueId: index % job.queues };
    this.offset = 0;
    this.frames = Array.from({ length: count }, (_, slot) => this.build(slot, queue(slot)));
    this.sentAt = new Float64Array(count);
    this.isHalf = new Uint8Array(count);
    this.out = Buffer.allocUnsafe(this.frames.reduce((sum, { length }) => sum + length, 0) + 4096);
    this.used = 0;
    this.isStopped = false;
    const reader = new AnswerReader((...answer) => this.answer(...answer));
    socket.on('data', (chunk) => {
      this.now = performance.now();
      reader.push(chunk);
      this.flush();
    });
  }

  build(slot, { topic, queueId }) {
    const { kind, form } = this.job;
    const opaque = firstOpaque + slot;
    // A pull goes on where its own connection is; the prefilled queue is read round and round.
    if (kind === 'pull') return pullFrame({ ...this.pulled, offset: 0, opaque });
    if (kind === 'route') return routeFrame({ topic, opaque });
    if (kind === 'batch') return batchFrame({ count: 16, bodyBytes, topic, queueId, opaque });
    return sendFrame({ form, bodyBytes, topic, queueId, opaque, isHalf: kind === 'transaction' });
  }

  start() {
    this.now = performance.now();
    for (let slot = 0; slot < this.frames.length; slot += 1) this.send(slot, this.frames[slot]);
    this.flush();
  }

  send(slot, frame) {
    if (this.used + frame.length > this.out.length) this.flush();
    this.out.set(frame, this.used);
    this.used += frame.length;
    this.sentAt[slot] = this.now;
  }

  flush() {
    if (this.used === 0) return;
    this.socket.write(this.out.subarray(0, this.used));
    if (this.socket.writableLength > 0) this.out = Buffer.allocUnsafe(this.out.length);
    this.used = 0;
  }

  answer(opaque, code, bytes, headerAt, headerEnd, end) {
    const slot = opaque - firstOpaque;
    if (this.job.kind === 'transaction' && this.isHalf[slot] === 0 && code === 0) {
      // The half message is stored; its commit belongs to the same operation.
      this.isHalf[slot] = 1;
      return this.send(slot, this.commit(opaque, bytes, headerAt, headerEnd));
    }
    this.isHalf[slot] = 0;
    this.figures.answer(opaque, code, this.now - this.sentAt[slot]);
    if (this.isStopped) return;
    if (this.job.kind !== 'pull') this.send(slot, this.frames[slot]);
    else if (this.job.pauseMs === undefined) this.send(slot, this.nextPull(opaque));
    else setTimeout(() => this.pullLater(slot, opaque), this.job.pauseMs);
    void end;
  }

  commit(opaque, bytes, headerAt, headerEnd) {
    const { extFields } = JSON.parse(bytes.toString('latin1', headerAt, headerEnd));
    const position = Number.parseInt(extFields.msgId.slice(16), 16);
    return commitFrame({ opaque, queueOffset: extFields.queueOffset, position });
  }

  /** A reader that takes its time. */
  pullLater(slot, opaque) {
    if (this.isStopped) return;
    this.now = performance.now();
    this.send(slot, this.nextPull(opaque));
    this.flush();
  }

  nextPull(opaque) {
    this.offset = (this.offset + 32) % (this.job.prefilled - 32);
    this.offset -= this.offset % 32;
    return pullFrame({ ...this.pulled, offset: this.offset, opaque });
  }
}

async function closedLoop(job, figures) {
  const loops = [];
  for (let i = 0; i < job.connections; i += 1) {
    loops.push(new ClosedLoop(await open(job.port), job, i, figures));
  }
  for (const loop of loops) loop.start();
  return () => {
    for (const loop of loops) {
      loop.isStopped = true;
      loop.socket.destroy();
    }
  };
}

/** What a lane sends in turn: with many topics, each lane its share of them. */
function laneFrames(job, lane) {
  const count = Math.max(1, Math.floor(job.topics / job.connections));
  return Array.from({ length: count }, (_, i) =>
    sendFrame({
      form: job.form,
      bodyBytes,
      topic: `${job.topic}${(i * job.connections + lane) % job.topics}`,
      queueId: lane % job.queues,
      opaque: firstOpaque,
    }),
  );
}

/** Sends at a fixed rate, whatever comes back; a latency counts from the moment a send was due. */
async function openLoop(job, figures) {
  const perTick = job.rate / 1000;
  const lanes = [];
  for (let i = 0; i < job.connections; i += 1) {
    const socket = await open(job.port);
    const dueAt = new Float64Array(1 << 16);
    const reader = new AnswerReader((opaque, code) =>
      figures.answer(opaque, code, performance.now() - dueAt[(opaque - firstOpaque) & 0xffff]),
    );
    socket.on('data', (chunk) => reader.push(chunk));
    lanes.push({ socket, dueAt, frames: laneFrames(job, i), next: 0 });
  }
  const start = performance.now();
  let sent = 0;
  const tick = () => {
    const now = performance.now();
    const due = Math.floor((now - start) * perTick);
    const perLane = lanes.map(() => []);
    for (; sent < due; sent += 1) {
      const lane = lanes[sent % lanes.length];
      // Bursts are due at whole milliseconds.
      lane.dueAt[lane.next & 0xffff] = start + Math.ceil(sent / perTick);
      const frame = Buffer.from(lane.frames[lane.next % lane.frames.length]);
      const opaque = String(firstOpaque + (lane.next++ % 9_000_000));
      frame.write(opaque, frame.lastIndexOf(opaqueName, -bodyBytes) + opaqueName.length, 'latin1');
      perLane[sent % lanes.length].push(frame);
    }
    lanes.forEach(
      (lane, i) => perLane[i].length > 0 && lane.socket.write(Buffer.concat(perLane[i])),
    );
  };
  const timer = setInterval(tick, 1);
  return () => {
    clearInterval(timer);
    for (const { socket } of lanes) socket.destroy();
  };
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Resolves when the parent wants the figures now. */
let tell;
const told = new Promise((resolve) => (tell = resolve));

async function run(job) {
  const figures = new Figures();
  const stop = await (job.rate === undefined ? closedLoop(job, figures) : openLoop(job, figures));
  await sleep(job.warmMs);
  figures.begin();
  const start = performance.now();
  process.send({ event: 'started' });
  if (job.messages === undefined) await Promise.race([sleep(job.runMs), told]);
  else while (figures.done < job.messages) await sleep(5);
  figures.isMeasuring = false;
  const ms = performance.now() - start;
  process.send({ event: 'ended', ...figures.summary(ms) });
  if (!job.staysOpen) stop();
}

process.on('message', (job) => {
  if (job.event === 'stop') return tell();
  run(job).catch((error) => process.send({ event: 'failed', reason: String(error.stack) }));
});
process.on('disconnect', () => process.exit(0));
