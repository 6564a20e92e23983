#!/usr/bin/env node
import {
  consoleLogger,
  messageOf,
  nodeFileSystem,
  parseProperties,
} from '@nestjs-rocketmq/foundation';
import type { Logger } from '@nestjs-rocketmq/foundation';
import { readCommandLine, usage } from './command-line.js';
import type { CommandLine } from './command-line.js';
import { importantOptions, loadNameserverOptions, printOptions } from './nameserver.config.js';
import type { NameserverOptions } from './nameserver.config.js';
import { NameserverStartError } from './nameserver.errors.js';
import { startNameserver } from './start-nameserver.js';

const write = (text: string): void => void process.stdout.write(text);

function readOptions({ file }: CommandLine, logger: Logger): NameserverOptions {
  const text = file === undefined ? '' : nodeFileSystem.readText(file);
  if (text === undefined) throw new NameserverStartError(`there is no file ${file}`);
  // Like Apache's: what is changed while it runs goes back to the file it was started with.
  const stored = file === undefined ? {} : { configStorePath: file };
  const source = { ...stored, ...parseProperties(text) };
  return loadNameserverOptions(source, { unknown: 'warn', logger });
}

async function run(): Promise<void> {
  const logger = consoleLogger('nameserver');
  const line = readCommandLine(process.argv.slice(2));
  if (line.prints === 'help') return write(usage);
  const options = readOptions(line, logger);
  if (line.prints === 'all') return write(printOptions(options));
  if (line.prints === 'important') return write(printOptions(options, importantOptions));
  if (line.nameServers !== undefined) logger.info('-n has no effect on a nameserver');
  const printed = consoleLogger('nameserver', { level: 'debug' });
  const nameserver = await startNameserver({ ...options, logger: printed });
  // Apache's words: scripts wait for this line.
  const address = `${options.bindAddress}:${nameserver.port}`;
  write(`The Name Server boot success. serializeType=JSON, address ${address}\n`);
  await new Promise<void>((resolve) => {
    process.once('SIGTERM', () => resolve());
    process.once('SIGINT', () => resolve());
  });
  await nameserver.close();
}

run().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`mqnamesrv: ${messageOf(error)}\n`);
    process.exit(1);
  },
);
