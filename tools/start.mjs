// `npm start`: builds what is needed, then runs nameserver, broker and order service as ordinary
// processes, the same main files an operator uses. Ctrl-C stops them in reverse.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RunMark } from './start/run-mark.mjs';
import { Part } from './start/part.mjs';
import { portProblems } from './start/ports.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const READY_WITHIN_MS = 180_000;
const dataDir = process.env.DATA_DIR ?? join(root, 'data');
const ports = [
  { variable: 'NAMESRV_PORT', what: 'nameserver', port: Number(process.env.NAMESRV_PORT ?? 9876) },
  { variable: 'BROKER_PORT', what: 'broker', port: Number(process.env.BROKER_PORT ?? 10911) },
  { variable: 'PORT', what: 'order service', port: Number(process.env.PORT ?? 7000) },
];
const [nameserverPort, brokerPort, samplePort] = ports.map(({ port }) => port);
const url = `http://127.0.0.1:${samplePort}`;

function say(line) {
  process.stdout.write(`${line}\n`);
}

function build() {
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  const run = spawnSync(process.execPath, [compiler, '-b'], { cwd: root, stdio: 'inherit' });
  if (run.status !== 0) {
    say('The build failed; see above. After `git pull`, run `npm install` first.');
    process.exit(1);
  }
}

/** Ordinary .properties files, written where a reader can look at them. */
function writeConfigs() {
  const nameserver = join(dataDir, 'conf', 'namesrv.properties');
  const broker = join(dataDir, 'conf', 'broker.properties');
  mkdirSync(dirname(nameserver), { recursive: true });
  const kvConfigPath = join(dataDir, 'namesrv', 'kvConfig.json');
  writeFileSync(nameserver, `listenPort=${nameserverPort}\nkvConfigPath=${kvConfigPath}\n`);
  writeFileSync(
    broker,
    [
      'brokerName=broker-a',
      'brokerIP1=127.0.0.1',
      `listenPort=${brokerPort}`,
      `namesrvAddr=127.0.0.1:${nameserverPort}`,
      `storePathRootDir=${join(dataDir, 'broker')}`,
      '',
    ].join('\n'),
  );
  return { nameserver, broker };
}

function parts(configs) {
  const main = (folder) => join(root, folder, 'dist', 'main.js');
  return [
    new Part('nameserver', [main('apps/nameserver'), '-c', configs.nameserver], {
      readyLine: /boot success/,
    }),
    new Part('broker', [main('apps/broker'), '-c', configs.broker], { readyLine: /boot success/ }),
    new Part('sample', [main('sample-order-service')], {
      readyUrl: `${url}/readyz`,
      environment: {
        PORT: String(samplePort),
        NAMESRV_ADDR: `127.0.0.1:${nameserverPort}`,
        DATA_DIR: join(dataDir, 'sample'),
      },
    }),
  ];
}

const HINTS = `
  Ready: ${url}  (the interface to try: ${url}/docs)

  Place an order, pay it, look at it:

    ORDER=$(curl -s -X POST ${url}/api/orders -H 'Content-Type: application/json' \\
      -H "Idempotency-Key: $(date +%s)" \\
      -d '{"userId":"ada","items":[{"sku":"tea-green","quantity":2}]}' | cut -d'"' -f4)
    curl -s -X POST $(curl -s -X POST ${url}/api/orders/$ORDER/pay | cut -d'"' -f4)
    curl -s ${url}/api/orders/$ORDER

  Do the books agree?  curl -s ${url}/api/check?mode=full
  Data: ${dataDir} (npm run reset empties it). Ctrl-C stops everything.
`;

async function main() {
  const problems = await portProblems(ports);
  if (problems.length > 0) {
    for (const problem of problems) say(problem);
    process.exit(1);
  }
  say(`Data are kept in ${relative(process.cwd(), dataDir) || dataDir}; npm run reset empties it.`);
  build();
  mkdirSync(dataDir, { recursive: true });
  const mark = new RunMark(dataDir);
  mark.set();
  const all = parts(writeConfigs());
  let stopping;
  const stop = (code) => {
    stopping ??= (async () => {
      for (const part of [...all].reverse()) {
        if (await part.stop()) say(`Ended: ${part.name}`);
      }
      mark.clear();
      process.exit(code);
    })();
    return stopping;
  };
  let interrupts = 0;
  const interrupted = () => {
    interrupts += 1;
    if (interrupts === 1) {
      say('\nStopping: sample, broker, nameserver. Ctrl-C again kills them.');
      void stop(0);
    } else {
      for (const part of all) part.kill();
    }
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, interrupted);
  process.on('exit', () => all.forEach((part) => part.kill()));
  try {
    for (const part of all) {
      await part.start(READY_WITHIN_MS);
      part.ended.then((how) => {
        if (stopping !== undefined) return;
        say(`The ${part.name} ended (${how}); stopping the others.`);
        void stop(1);
      });
    }
  } catch (error) {
    if (stopping === undefined) say(error.message);
    await stop(1);
  }
  if (stopping === undefined) say(HINTS);
}

await main();
