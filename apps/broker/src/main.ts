#!/usr/bin/env node
import {
  consoleLogger,
  messageOf,
  nodeFileSystem,
  parseProperties,
} from '@nestjs-rocketmq/foundation';
import { BrokerStartError } from './broker.errors.js';
import { type BrokerOptions, resolveConfig, startBroker } from './broker.server.js';
import { settingsOf } from './settings/live-settings.js';
import { type CommandLine, importantOptions, readCommandLine, usage } from './command-line.js';

const write = (text: string): void => void process.stdout.write(text);

/** Weakest first: the environment, the file, the command line. */
function readOptions({ file, nameServers }: CommandLine): BrokerOptions {
  const text = file === undefined ? '' : nodeFileSystem.readText(file);
  if (text === undefined) throw new BrokerStartError(`there is no file ${file}`);
  const environment = process.env['NAMESRV_ADDR'];
  return {
    properties: {
      ...(environment === undefined ? {} : { namesrvAddr: environment }),
      ...parseProperties(text),
    },
    nameServers,
    configFile: file,
    // The setting `logLevel` says what is printed of this.
    logger: consoleLogger('broker', { level: 'debug' }),
  };
}

function print(options: BrokerOptions, names: readonly string[] | undefined): void {
  const logger = consoleLogger('broker', { level: 'warn' });
  const settings = settingsOf(resolveConfig(options, logger));
  for (const name of names ?? Object.keys(settings)) write(`${name}=${settings[name] ?? ''}\n`);
}

async function run(): Promise<void> {
  const line = readCommandLine(process.argv.slice(2));
  if (line.prints === 'help') return write(usage);
  const options = readOptions(line);
  if (line.prints === 'all') return print(options, undefined);
  if (line.prints === 'important') return print(options, importantOptions);
  // Listened for from the beginning: a signal may come as soon as the line below is read.
  const stopped = new Promise<void>((resolve) => {
    process.once('SIGTERM', () => resolve());
    process.once('SIGINT', () => resolve());
  });
  const broker = await startBroker(options);
  const { namesrvAddr } = broker.config;
  const nameServers = namesrvAddr.length > 0 ? ` and name server is ${namesrvAddr.join(';')}` : '';
  // Apache's words: scripts wait for this line.
  write(
    `The broker[${broker.name}, ${broker.address}] boot success. serializeType=JSON${nameServers}\n`,
  );
  await stopped;
  await broker.close();
}

run().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`mqbroker: ${messageOf(error)}\n`);
    process.exit(1);
  },
);
