// npm run bench [-- --quick] [--json] [--only P1,P3] [--rounds 5] [--write-baseline]
//
// Measures our broker against the yardstick C and, where Java and Maven are, against the official
// broker J. All take turns in the same run; figures are medians. `--quick` leaves J out, ends within
// a minute and fails when a ratio to C has fallen below 0.85 of the committed one three times.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { measureHandlerRow } from './handler-rates.mjs';
import { measureKit } from './kit.mjs';
import { Field, measure } from './measure.mjs';
import { measureBurdens } from './burdens.mjs';
import { measureClients } from './clients.mjs';
import {
  burdenMetrics,
  clientMetrics,
  handlerMetrics,
  kitMetrics,
  metrics,
  processMetrics,
  routeMetrics,
} from './metrics.mjs';
import { measureRoutes } from './routes.mjs';
import { javaMissing, ourBroker } from './servers.mjs';
import { measureStarts } from './starts.mjs';

const baselineFile = join(dirname(fileURLToPath(import.meta.url)), 'baseline.json');
const tolerated = 0.85;
const attempts = 3;

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    only: { type: 'string' },
    rounds: { type: 'string' },
    'write-baseline': { type: 'boolean', default: false },
  },
});

const timing = options.quick
  ? { rounds: 3, firstMs: 300, warmMs: 150, runMs: 350, warmJavaMs: 0 }
  : { rounds: 7, firstMs: 4_000, warmMs: 300, runMs: 1_000, warmJavaMs: 30_000 };
if (options.rounds !== undefined) timing.rounds = Number(options.rounds);

function chosen(list) {
  const only = options.only?.split(',');
  if (only === undefined) return list;
  return list.filter(({ name }) => only.includes(name));
}

function lineOf(metric, { figures, cpu = {} }) {
  const { C: c, ours, J: j, base } = figures;
  const ratio = (other) => (other === undefined ? undefined : round(ours / other));
  const { form, connections, depth, rate } = metric.load ?? {};
  const flush = metric.sync ? 'SYNC_FLUSH' : 'ASYNC_FLUSH';
  const inFlight =
    rate === undefined ? `${connections} x ${depth}` : `${rate}/s over ${connections}`;
  const load = metric.load === undefined ? '' : `, 1 KiB, ${form} header, ${inFlight}, ${flush}`;
  return {
    metric: metric.name,
    title: metric.title,
    unit: metric.unit,
    better: metric.better,
    ours: round(ours),
    c: round(c),
    j: round(j),
    ratioToC: ratio(c),
    ratioToJ: ratio(j),
    ...(base === undefined
      ? {}
      : { base: round(base), baseMeans: metric.base, ratioToBase: ratio(base) }),
    cpuMicrosPerOp: { ours: round(cpu.ours), c: round(cpu.C), j: round(cpu.J) },
    conditions:
      `median of ${timing.rounds}${load}, node ${process.version}, ${cpus().length} cores, ` +
      `load ${loadavg()[0].toFixed(1)}`,
  };
}

function round(value) {
  return value === undefined ? undefined : Number(value.toPrecision(4));
}

function print(lines) {
  if (options.json) {
    for (const line of lines) console.log(JSON.stringify(line));
    return;
  }
  const cell = (value) => (value === undefined ? '-' : String(value));
  const rows = lines.map(
    ({
      metric,
      title,
      unit,
      ours,
      c,
      j,
      ratioToC,
      ratioToJ,
      cpuMicrosPerOp,
      base,
      ratioToBase,
    }) => [
      metric,
      `${title} [${unit}]${base === undefined ? '' : ` = ${ratioToBase} of ${base}`}`,
      ...[ours, c, j, ratioToC, ratioToJ].map(cell),
      ['ours', 'c', 'j'].map((name) => cell(cpuMicrosPerOp[name])).join(' / '),
    ],
  );
  const head = ['', 'metric', 'ours', 'C', 'J', 'to C', 'to J', 'CPU us/op ours / C / J'];
  const widths = head.map((title, i) =>
    Math.max(title.length, ...rows.map((row) => row[i].length)),
  );
  for (const row of [head, ...rows]) {
    console.log(
      row.map((text, i) => (i < 2 ? text.padEnd(widths[i]) : text.padStart(widths[i]))).join('  '),
    );
  }
  console.log(lines.at(-1)?.conditions ?? 'nothing measured');
}

/**
 * Metrics that share their servers: when it has to be quick, all with the same way of flushing.
 * Otherwise each has new ones, so that none works in the shadow of what another has written.
 */
function groups(list) {
  if (!options.quick) return list.map((metric) => [metric]);
  const shared = list.filter((metric) => !metric.ownServers);
  const bySync = [shared.filter(({ sync }) => !sync), shared.filter(({ sync }) => sync)];
  const alone = list.filter((metric) => metric.ownServers).map((metric) => [metric]);
  return [...bySync, ...alone].filter((group) => group.length > 0);
}

/** What has no C is left out when there is nothing else to hold it against. */
function isWanted({ without }) {
  return without !== 'C' || !options.quick;
}

/** True when a ratio is worse than what was committed allows. */
function hasFallen({ metric, better, ratioToC }, baseline) {
  const committed = baseline[metric];
  if (committed === undefined || ratioToC === undefined) return false;
  return better === 'more' ? ratioToC < committed * tolerated : ratioToC > committed / tolerated;
}

async function measureAgain(line, metric, field, baseline) {
  const tries = [line];
  while (tries.length < attempts && hasFallen(tries.at(-1), baseline)) {
    tries.push(lineOf(metric, await measure(metric, field, timing)));
  }
  if (!hasFallen(tries.at(-1), baseline)) return undefined;
  const ratios = tries.map(({ ratioToC }) => ratioToC).join(', ');
  return `${metric.name} has fallen: ${ratios} of C in ${attempts} runs, committed ${baseline[metric.name]}`;
}

async function main() {
  if (ourBroker() === undefined)
    throw new Error('The broker is not built; run `npm run build` first.');
  const missing = options.quick ? 'left out by --quick' : javaMissing();
  const names = missing === undefined ? ['C', 'ours', 'J'] : ['C', 'ours'];
  if (missing !== undefined && !options.json) console.log(`without J: ${missing}`);
  const exists = existsSync(baselineFile);
  const baseline = exists ? JSON.parse(readFileSync(baselineFile, 'utf8')).ratioToC : {};
  const lines = [];
  const fallen = [];
  for (const group of groups(chosen(metrics).filter(isWanted))) {
    const field = await Field.open(names, group[0].sync);
    try {
      for (const metric of group) {
        const line = lineOf(metric, await measure(metric, field, timing));
        lines.push(line);
        const { ours, c, j } = line;
        console.error(`${metric.name}: ${ours} ${metric.unit}, C ${c}, J ${j ?? '-'}`);
        if (!options.quick) continue;
        const sentence = await measureAgain(line, metric, field, baseline);
        if (sentence !== undefined) fallen.push(sentence);
      }
    } finally {
      await field.close();
    }
  }
  const starts = chosen(processMetrics);
  if (starts.length > 0) {
    const results = await measureStarts(names, options.quick ? 1 : timing.rounds);
    for (const metric of starts) lines.push(lineOf(metric, { figures: results[metric.name] }));
  }
  if (!options.quick) {
    lines.push(...(await measureSlow(names)), ...(await measureKits()));
    lines.push(...(await measureHandlerRows()));
  }
  if (missing === undefined) lines.push(...(await measureClientPairs()));
  print(lines);
  judgeYardstick(lines);
  if (options['write-baseline']) writeBaseline(lines);
  for (const sentence of fallen) console.error(sentence);
  process.exit(fallen.length > 0 ? 1 : 0);
}

/** Clients and brokers as pairs: rows hold ours against J, and the mixed pairs stand beside. */
async function measureClientPairs() {
  const lines = [];
  for (const metric of chosen(clientMetrics)) {
    const { figures, cpu } = await measureClients(metric.name, timing);
    const line = lineOf(metric, { figures: { ours: figures.ours, J: figures.J } });
    line.pairs = Object.fromEntries(
      Object.entries(figures).map(([name, figure]) => [
        name,
        {
          figure: round(figure),
          ...(cpu && {
            clientCpuMicros: round(cpu[name].client),
            brokerCpuMicros: round(cpu[name].broker),
          }),
        },
      ]),
    );
    lines.push(line);
    console.error(`${metric.name}: ${JSON.stringify(line.pairs)}`);
  }
  return lines;
}

/** The testing kit; it has nothing to be held against. */
async function measureKits() {
  const wanted = chosen(kitMetrics);
  if (wanted.length === 0) return [];
  const results = await measureKit(timing.rounds);
  return wanted.map((metric) => lineOf(metric, { figures: results[metric.name] }));
}

/** Handlers of an application against bare listeners. */
async function measureHandlerRows() {
  const lines = [];
  for (const metric of chosen(handlerMetrics)) {
    lines.push(lineOf(metric, await measureHandlerRow(metric.name, timing)));
    const { ours, base, ratioToBase } = lines.at(-1);
    console.error(`${metric.name}: ${ours} ${metric.unit}, base ${base}, ratio ${ratioToBase}`);
  }
  return lines;
}

/** What takes too long for `--quick`, or has no C. */
async function measureSlow(names) {
  const lines = [];
  const routes = chosen(routeMetrics);
  if (routes.length > 0) {
    const { cpu, ...results } = await measureRoutes(names, timing);
    for (const metric of routes) lines.push(lineOf(metric, { figures: results[metric.name], cpu }));
  }
  const burdens = chosen(burdenMetrics);
  const results = await measureBurdens(
    burdens.map(({ name }) => name),
    timing,
  );
  for (const metric of burdens) lines.push(lineOf(metric, { figures: results[metric.name] }));
  for (const { metric, ours, base, baseMeans } of lines) {
    console.error(`${metric}: ${ours}${base === undefined ? '' : `, ${baseMeans}: ${base}`}`);
  }
  return lines;
}

/** C counts as a yardstick when it is fast itself. */
function judgeYardstick(lines) {
  const first = lines.find(({ metric }) => metric === 'P1');
  if (first?.j === undefined || first.c >= 4 * first.j) return;
  console.error(`C is only ${round(first.c / first.j)} J on P1; below 4 its ratios do not count.`);
}

function writeBaseline(lines) {
  const loads = lines.filter(({ metric }) => metrics.some(({ name }) => name === metric));
  const ratioToC = Object.fromEntries(loads.map((line) => [line.metric, line.ratioToC]));
  const { conditions } = loads.at(-1) ?? {};
  writeFileSync(baselineFile, `${JSON.stringify({ conditions, ratioToC }, undefined, 2)}\n`);
}

await main();
