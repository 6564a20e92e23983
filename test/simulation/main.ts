import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { messageOf } from '@nestjs-rocketmq/foundation';
import { help, wanted, type Wanted } from './arguments.js';
import { play } from './play.js';
import { shrink } from './shrink.js';
import { type Story, tell } from './story.js';

/* `npm run simulate -- --help` says what it does. */

interface Told {
  readonly seeds: number;
  readonly failed: number;
  readonly answered: number;
  readonly lives: number;
  readonly simulatedMillis: number;
  readonly cpuMillis: number;
  /** What broke, and how often. */
  readonly happened: Readonly<Record<string, number>>;
}

const nothingTold: Told = {
  seeds: 0,
  failed: 0,
  answered: 0,
  lives: 0,
  simulatedMillis: 0,
  cpuMillis: 0,
  happened: {},
};

function added(one: Told, other: Told): Told {
  const happened: Record<string, number> = { ...one.happened };
  for (const [what, count] of Object.entries(other.happened)) {
    happened[what] = (happened[what] ?? 0) + count;
  }
  return {
    seeds: one.seeds + other.seeds,
    failed: one.failed + other.failed,
    answered: one.answered + other.answered,
    lives: one.lives + other.lives,
    simulatedMillis: one.simulatedMillis + other.simulatedMillis,
    cpuMillis: one.cpuMillis + other.cpuMillis,
    happened,
  };
}

/** After so many failures a process stops. */
const mostFailures = 5;
/** A process takes so many stories at a time. */
const portion = 50;

async function tellFailure(story: Story): Promise<void> {
  const { story: least, played, tries } = await shrink(story);
  const { rule, sentence } = played.violation ?? { rule: 'nothing', sentence: 'at the second try' };
  const lines = [
    `seed ${story.seed}: ${rule} ${sentence}`,
    JSON.stringify(least.settings),
    `${story.steps.length} steps, of which ${least.steps.length} do it (${tries} tries):`,
    ...played.lines.slice(-150).map((line) => `  ${line}`),
    `again: npm run simulate -- --seed ${story.seed}`,
  ];
  console.log(lines.join('\n'));
}

async function tellAll({ seed, seeds, isLoud, isQuick }: Wanted): Promise<Told> {
  const start = process.cpuUsage();
  let told = nothingTold;
  for (let at = seed; at < seed + seeds && told.failed < mostFailures; at += 1) {
    const story = tell(at);
    const played = await play(story);
    told = added(told, {
      seeds: 1,
      failed: played.violation === undefined ? 0 : 1,
      answered: played.counts.answered,
      lives: played.counts.lives,
      simulatedMillis: played.counts.millis,
      cpuMillis: 0,
      happened: Object.fromEntries(played.happened),
    });
    if (isLoud) console.log(played.lines.join('\n'));
    if (played.violation === undefined) continue;
    if (isQuick) {
      console.log(`seed ${at}: ${played.violation.rule} ${played.violation.sentence}`);
      break;
    }
    await tellFailure(story);
  }
  const { user, system } = process.cpuUsage(start);
  return { ...told, cpuMillis: (user + system) / 1000 };
}

/** The same in several processes, each of which takes the next stories when it is done. */
function tellInProcesses({ seed, seeds, jobs }: Wanted): Promise<Told> {
  let next = seed;
  let sum = nothingTold;
  const one = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const child = fork(fileURLToPath(import.meta.url), ['--child']);
      const give = (): void => {
        const count = Math.min(portion, seed + seeds - next);
        if (count <= 0 || sum.failed >= mostFailures) return void child.disconnect();
        child.send({ seed: next, seeds: count });
        next += count;
      };
      child.on('message', (told: Told) => {
        sum = added(sum, told);
        give();
      });
      child.on('exit', (code) =>
        code === 0 ? resolve() : reject(new Error(`a process ended with ${code}`)),
      );
      give();
    });
  return Promise.all(Array.from({ length: jobs }, one)).then(() => sum);
}

function serveParent(): void {
  process.on('message', (range: { seed: number; seeds: number }) => {
    void tellAll({ ...range, jobs: 1, isLoud: false, isQuick: false }).then((told) =>
      process.send?.(told),
    );
  });
}

async function run(): Promise<number> {
  const asked = wanted(process.argv.slice(2));
  if (asked === 'help') {
    console.log(help);
    return 0;
  }
  const start = performance.now();
  const told = await (asked.jobs > 1 ? tellInProcesses(asked) : tellAll(asked));
  const seconds = Math.round((performance.now() - start) / 1000);
  console.log(
    `${told.seeds} stories in ${seconds} s, ${Math.round(told.cpuMillis / told.seeds)} ms of CPU ` +
      `each: ${told.answered} messages acknowledged, ${told.lives} lives of the broker, ` +
      `${Math.round(told.simulatedMillis / 1000)} simulated seconds`,
  );
  const broke = Object.entries(told.happened).toSorted(([a], [b]) => (a < b ? -1 : 1));
  console.log(`What broke: ${broke.map(([what, count]) => `${what} ${count}`).join(', ')}`);
  console.log(`${told.seeds - told.failed} passed, ${told.failed} failed`);
  return told.failed === 0 ? 0 : 1;
}

if (process.argv.includes('--child')) serveParent();
else {
  run().then(
    (status) => process.exit(status),
    (error: unknown) => {
      console.error(messageOf(error), error);
      console.error('npm run simulate -- --help says what can be asked for.');
      process.exit(1);
    },
  );
}
