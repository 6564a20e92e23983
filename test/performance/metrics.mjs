// What is measured: a load each, and which figure of it counts.

const sends = { kind: 'send', form: 'json', topic: 'bench', topics: 4, queues: 8 };

/** `better`: whether more or less of the figure is good. `load`: the job of the loader. */
export const metrics = [
  {
    name: 'P1',
    title: 'pipelined sends, 16 x 32, JSON',
    unit: 'msg/s',
    better: 'more',
    load: { ...sends, connections: 16, depth: 32 },
  },
  {
    name: 'P2',
    title: 'pipelined sends, 16 x 32, binary',
    unit: 'msg/s',
    better: 'more',
    load: { ...sends, form: 'binary', connections: 16, depth: 32 },
  },
  {
    name: 'P3',
    title: 'sync sends, 64 x 1, JSON',
    unit: 'msg/s',
    better: 'more',
    load: { ...sends, connections: 64, depth: 1 },
  },
  {
    name: 'P4',
    title: 'sync sends, 1 x 1, JSON, p50',
    unit: 'ms',
    better: 'less',
    figure: 'p50',
    load: { ...sends, connections: 1, depth: 1 },
  },
  {
    name: 'P6',
    title: 'SYNC_FLUSH sends, 16 x 32, JSON',
    unit: 'msg/s',
    better: 'more',
    sync: true,
    load: { ...sends, connections: 16, depth: 32 },
  },
  {
    name: 'P7',
    title: 'transactions (half + commit), 4 x 8, JSON',
    unit: 'tx/s',
    better: 'more',
    load: { ...sends, kind: 'transaction', connections: 4, depth: 8 },
  },
  {
    name: 'P8',
    // The yardstick has one queue for all, so nothing else may have been sent to it.
    ownServers: true,
    title: 'pulls of 32, one queue, 4 x 1, JSON',
    unit: 'msg/s',
    better: 'more',
    // 32 messages come with each answer.
    perAnswer: 32,
    load: {
      ...sends,
      kind: 'pull',
      topic: 'pulled',
      topics: 1,
      queues: 1,
      connections: 4,
      depth: 1,
    },
  },
  {
    name: 'P11',
    title: 'open loop at 20,000 sends/s, 8 connections, p99',
    unit: 'ms',
    better: 'less',
    figure: 'p99',
    load: { ...sends, connections: 8, depth: 1, rate: 20_000 },
  },
];

/** Figures of a process, not of a load. */
export const processMetrics = [
  { name: 'P13', title: 'idle RSS of the broker', unit: 'MB', better: 'less' },
  { name: 'P14', title: 'broker start to first accepted send', unit: 'ms', better: 'less' },
  { name: 'P14n', title: 'nameserver start to first route answer', unit: 'ms', better: 'less' },
];
