// Our client under the loads of the benchmark; the same commands and events as interop.Load, the
// official client's program: one command per line on stdin, one event with figures per line.
import { createInterface } from 'node:readline';
import { Producer, PushConsumer } from '@nestjs-rocketmq/client';

const bodyBytes = 1024;
const print = (event, fields = {}) => console.log(JSON.stringify({ event, ...fields }));
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Counts and latencies of a slice, after its warm-up. */
class Figures {
  done = 0;
  failed = 0;
  latencies = new Float64Array(1 << 21);
  isStarted = false;

  constructor({ warmMs = '300', runMs = '1000' }) {
    this.warmMs = Number(warmMs);
    this.runMs = Number(runMs);
    this.restart();
  }

  restart() {
    this.from = performance.now() + this.warmMs;
  }

  get isOver() {
    const now = performance.now();
    if (!this.isStarted && now >= this.from) {
      this.isStarted = true;
      print('started');
    }
    return now >= this.from + this.runMs;
  }

  note(due) {
    const now = performance.now();
    // What was due before the slice does not belong to it.
    if (due < this.from || now >= this.from + this.runMs) return;
    this.add(now - due);
  }

  /** Whether a message that is due then belongs to the slice. */
  isDue(due) {
    return due >= this.from && due < this.from + this.runMs;
  }

  /** Counts what was due in the slice however late it ends, or the slowest would be left out. */
  noteLate(due) {
    if (this.isDue(due)) this.add(performance.now() - due);
  }

  add(latency) {
    this.latencies[this.done++ & (this.latencies.length - 1)] = latency;
  }

  print() {
    const count = Math.min(this.done, this.latencies.length);
    const sorted = this.latencies.slice(0, count).sort();
    const at = (share) => sorted[Math.min(count - 1, Math.floor(count * share))] ?? 0;
    const { done, failed, runMs: ms } = this;
    print('ended', { done, failed, ms, p50: at(0.5), p99: at(0.99), p999: at(0.999) });
  }
}

let producer;
let nameServers;
let topic;

function message(due) {
  const body = Buffer.alloc(bodyBytes);
  body.writeDoubleBE(due, 0);
  return { topic, body };
}

function consumerOf(group, listener) {
  const subscriptions = [{ topic }];
  return new PushConsumer({ nameServers, group, subscriptions, from: 'first', listener });
}

/** Senders that each wait for the answer to one message before they send the next. */
async function send(command) {
  const figures = new Figures(command);
  const one = async () => {
    while (!figures.isOver) {
      const from = performance.now();
      try {
        await producer.send(message(from));
        figures.note(from);
      } catch {
        figures.failed += 1;
      }
    }
  };
  await Promise.all(Array.from({ length: Number(command.senders ?? 64) }, one));
  figures.print();
}

/** Gives back a consumer of new messages that has its queues: it got one. */
async function flowing({ group }, figures) {
  let isThere;
  const first = new Promise((resolve) => (isThere = resolve));
  const consumer = consumerOf(group, (messages) => {
    isThere();
    for (const { body } of messages) {
      figures.noteLate(Buffer.from(body.buffer, body.byteOffset, 8).readDoubleBE(0));
    }
    return { kind: 'success' };
  });
  await consumer.start();
  await producer.send(message(0));
  await first;
  return consumer;
}

/** Sends at a fixed rate, whatever comes back; with a consumer latencies end at its listener. */
async function pace(command, isFlow) {
  const figures = new Figures(command);
  const consumer = isFlow ? await flowing(command, figures) : undefined;
  if (isFlow) figures.restart();
  const perMs = Number(command.rate ?? 20_000) / 1000;
  const begin = performance.now();
  let open = 0;
  let sent = 0;
  let wanted = 0;
  const sendOne = (due) => {
    open += 1;
    if (figures.isDue(due)) wanted += 1;
    producer.send(message(due), { timeout: 10_000 }).then(
      () => {
        open -= 1;
        if (!isFlow) figures.noteLate(due);
      },
      () => {
        open -= 1;
        figures.failed += 1;
      },
    );
  };
  await new Promise((resolve) => {
    const timer = setInterval(() => {
      if (figures.isOver) {
        clearInterval(timer);
        return resolve();
      }
      const due = Math.floor((performance.now() - begin) * perMs);
      // Bursts are due at whole milliseconds.
      for (; sent < due; sent += 1) sendOne(begin + Math.ceil(sent / perMs));
    }, 1);
  });
  const isUnderWay = () => open > 0 || figures.done + figures.failed < wanted;
  for (const until = performance.now() + 5_000; isUnderWay() && performance.now() < until;) {
    await sleep(1);
  }
  await consumer?.close();
  figures.print();
}

/** Reads a backlog; counts from the first message on. */
async function consume({ group, count }) {
  const wanted = Number(count);
  let seen = 0;
  let began = 0;
  let isDone;
  const done = new Promise((resolve) => (isDone = resolve));
  const consumer = consumerOf(group, (messages) => {
    if (seen === 0) {
      began = performance.now();
      print('started');
    }
    seen += messages.length;
    if (seen >= wanted) isDone(performance.now());
    return { kind: 'success' };
  });
  await consumer.start();
  print('ended', { done: wanted, failed: 0, ms: (await done) - began });
  await consumer.close();
}

/** Starts the producer and sends once; tells how long both took. */
async function open(command) {
  const began = performance.now();
  nameServers = command.ns;
  topic = command.topic;
  producer = new Producer({ nameServers, group: 'bench-producer' });
  await producer.start();
  await producer.send(message(0));
  print('ended', { ms: performance.now() - began });
}

const verbs = {
  open,
  send,
  consume,
  pace: (command) => pace(command, false),
  flow: (command) => pace(command, true),
};

print('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const [verb, ...pairs] = line.split(' ');
  const command = Object.fromEntries(
    pairs.map((pair) => pair.split('=').map((part) => decodeURIComponent(part))),
  );
  try {
    await verbs[verb](command);
  } catch (error) {
    print('failed', { reason: String(error?.stack ?? error) });
  }
}
process.exit(0);
