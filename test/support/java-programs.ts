/** The jars of each official version, our Java programs compiled against them, and mqadmin. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RunningProgram } from './java-process.js';

export const serverVersions = ['4.9.7', '5.3.3', '5.5.0'] as const;
export const clientVersions = ['4.9.8', '5.3.3', '5.5.0'] as const;
export type ServerVersion = (typeof serverVersions)[number];
export type ClientVersion = (typeof clientVersions)[number];
/** The module with rocketmq-spring, whose client is 5.3.1. */
export const springModule = 'spring-2.3.3';
export type ProgramVersion = ServerVersion | ClientVersion | typeof springModule;
export type HeaderFormName = 'json' | 'binary';

const interop = join(dirname(fileURLToPath(import.meta.url)), '..', 'interop');

/** Why the Java peers cannot be used on this machine, or undefined. */
export function javaMissing(): string | undefined {
  if (spawnSync('java', ['-version'], { stdio: 'ignore' }).status !== 0) return 'no Java found';
  if (existsSync(join(interop, 'java', 'server-5.3.3', 'target', 'lib'))) return undefined;
  if (spawnSync('mvn', ['-version'], { stdio: 'ignore' }).status !== 0) return 'no Maven found';
  return undefined;
}

/** Resolves jars and compiles our programs unless that is done already (first time: a minute). */
export function prepareJava(): void {
  const run = spawnSync(process.execPath, [join(interop, 'build.mjs')], { encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`the Java peers could not be built:\n${run.stderr}`);
}

/** The class path with the official jars of one version and our programs compiled against it. */
export function classPath(version: ProgramVersion): string {
  const module = moduleOf(version);
  const target = join(interop, 'java', module, 'target');
  if (!existsSync(join(target, 'lib'))) prepareJava();
  return [join(target, 'classes'), join(target, 'lib', '*')].join(delimiter);
}

function moduleOf(version: ProgramVersion): string {
  if (version === springModule) return version;
  return version === '4.9.8' ? `client-${version}` : `server-${version}`;
}

/** A new temporary folder below the system's one. */
export function temporaryFolder(name: string): string {
  return mkdtempSync(join(tmpdir(), `nestjs-rocketmq-${name}-`));
}

export interface JavaRun {
  /** Folder for logs and local offsets (`user.home`); a new temporary one when not given. */
  home?: string;
  form?: HeaderFormName;
  heapMb?: number;
  /** Further options of the JVM. The default keeps start-up short; the bench passes its own. */
  jvm?: readonly string[];
  env?: Record<string, string>;
}

/** Options of the JVM for short runs. */
export const shortStart = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto'] as const;

/** 4.9.7 unmaps its files by reflection; without these it does not close its store on JDK 17. */
const openedModules = ['java.nio', 'sun.nio.ch', 'java.lang', 'jdk.internal.ref'].map(
  (name) => `--add-opens=java.base/${name}=ALL-UNNAMED`,
);

/** Starts `java` with the class path of a version. */
export function startJava(
  version: ProgramVersion,
  mainClass: string,
  args: readonly string[],
  run: JavaRun = {},
): RunningProgram {
  const home = run.home ?? temporaryFolder('java-home');
  writeLogConfigs(home);
  const heap = run.heapMb ?? 256;
  const program = RunningProgram.start(
    `${mainClass.split('.').pop()} ${version}`,
    'java',
    [
      `-Xmx${heap}m`,
      ...(run.jvm ?? shortStart),
      ...openedModules,
      `-Duser.home=${home}`,
      ...(run.form === 'binary' ? ['-Drocketmq.serialize.type=ROCKETMQ'] : []),
      '-cp',
      classPath(version),
      mainClass,
      ...args,
    ],
    { cwd: home, env: { ROCKETMQ_HOME: home, ...run.env } },
  );
  if (run.home === undefined) {
    void program.exited.then(() => rmSync(home, { recursive: true, force: true }));
  }
  return program;
}

/** Starts one of our programs of test/interop/java/programs with an official client. */
export function startProgram(
  version: ProgramVersion,
  program: string,
  options: Record<string, string | number | boolean>,
  run: JavaRun = {},
): RunningProgram {
  const args = Object.entries(options).map(([name, value]) => `${name}=${value}`);
  return startJava(version, `interop.${program}`, args, run);
}

/** Empty log configurations: 4.9.7 does not start without them (and wants them in ROCKETMQ_HOME/conf). */
export function writeLogConfigs(home: string): void {
  const empty = '<configuration><root level="OFF"/></configuration>\n';
  mkdirSync(join(home, 'conf'), { recursive: true });
  for (const name of ['namesrv', 'broker', 'tools']) {
    writeFileSync(join(home, 'conf', `logback_${name}.xml`), empty);
  }
}

export interface MqadminAnswer {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the official mqadmin to its end. */
export async function mqadmin(
  version: ServerVersion,
  nameServers: string,
  args: readonly string[],
  run: JavaRun & { deadlineMs?: number } = {},
): Promise<MqadminAnswer> {
  const program = startJava(
    version,
    'org.apache.rocketmq.tools.command.MQAdminStartup',
    [...args],
    { ...run, env: { NAMESRV_ADDR: nameServers, ...run.env } },
  );
  await program.success(run.deadlineMs ?? 60_000).catch((error: unknown) => {
    if (!program.ended) throw error;
  });
  return {
    exitCode: await program.exited,
    stdout: program.lines.join('\n'),
    stderr: program.errors.join('\n'),
  };
}
