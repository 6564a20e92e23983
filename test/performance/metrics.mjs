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
    name: 'P5',
    title: 'batches of 16, 16 x 4, JSON',
    unit: 'msg/s',
    better: 'more',
    perAnswer: 16,
    load: { ...sends, kind: 'batch', connections: 16, depth: 4 },
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
    name: 'P8q4',
    // The yardstick has no queues whose messages could lie between each other.
    without: 'C',
    title: 'pulls of 32, four queues, 4 x 1, JSON',
    unit: 'msg/s',
    better: 'more',
    perAnswer: 32,
    load: {
      ...sends,
      kind: 'pull',
      topic: 'pulled',
      topics: 1,
      queues: 4,
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

/** Figures of the nameserver: 100 topics on 10 brokers. */
export const routeMetrics = [
  { name: 'P16', title: 'route queries, 16 x 32', unit: '/s', better: 'more', figure: 'rate' },
  { name: 'P16p', title: 'route queries, 16 x 32, p99', unit: 'ms', better: 'less', figure: 'p99' },
];

/** Figures of our broker that are held against another of the same run, the base. */
export const burdenMetrics = [
  {
    name: 'P13m',
    title: 'RSS after 1 M messages, with 1,000 connections',
    unit: 'MB',
    better: 'less',
    base: 'RSS idle',
  },
  {
    name: 'P15',
    title: 'start after SIGKILL with 1 GiB of log',
    unit: 'ms',
    better: 'less',
    base: 'a bare process that reads it and checks its CRCs',
  },
  {
    name: 'topics',
    title: 'open loop at 10,000 sends/s, 10,000 topics, p99',
    unit: 'ms',
    better: 'less',
    base: 'the same with one topic',
  },
  {
    name: 'backlog',
    title: 'pipelined sends, 16 x 32, behind a backlog of 5 GB',
    unit: 'msg/s',
    better: 'more',
    base: 'the same without backlog',
  },
  {
    name: 'backlogRead',
    title: 'the same while a consumer reads the backlog at 10,000/s',
    unit: 'msg/s',
    better: 'more',
    base: 'the same without backlog',
  },
];

/** Client and broker together: ours, the official pair (J), and each half with the other's. */
export const clientMetrics = [
  { name: 'P9', title: 'consume a backlog, listener of our client', unit: 'msg/s', better: 'more' },
  { name: 'P10', title: 'sends of 64 that each wait', unit: 'msg/s', better: 'more' },
  { name: 'P11c', title: 'open loop of a producer at 20,000/s, p99', unit: 'ms', better: 'less' },
  { name: 'P11s', title: 'the same with SYNC_FLUSH, p99', unit: 'ms', better: 'less' },
  { name: 'P12', title: 'from send to listener at 20,000/s, p99', unit: 'ms', better: 'less' },
  { name: 'Pstart', title: 'producer start to first answered send', unit: 'ms', better: 'less' },
];

/** Real time of the testing kit: an application on it starts, and climbs the ladder of retries. */
export const kitMetrics = [
  { name: 'Pkit', title: 'an application on the testing kit starts', unit: 'ms', better: 'less' },
  { name: 'PkitFirst', title: 'the first one of a process', unit: 'ms', better: 'less' },
  { name: 'PkitLadder', title: '16 retries, 4 h 46 min, virtual time', unit: 'ms', better: 'less' },
];

const listener = 'a listener of the client in the same run';

/** Decorated handlers of an application, held against a listener of our client that reads the JSON. */
export const handlerMetrics = [
  {
    name: 'P17',
    title: 'consume a backlog, decorated handler',
    unit: 'msg/s',
    better: 'more',
    base: listener,
  },
  {
    name: 'P17g',
    title: 'CPU per message, handler with guard',
    unit: 'us',
    better: 'less',
    base: listener,
  },
  {
    name: 'P17v',
    title: 'CPU per message, handler with guard and ValidationPipe',
    unit: 'us',
    better: 'less',
    base: listener,
  },
];
