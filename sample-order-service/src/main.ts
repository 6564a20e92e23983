import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import { startSample } from './application.js';
import { readSettings, settingEntries } from './settings.js';

const logger = new Logger('sample');

async function main(): Promise<void> {
  if (process.argv.includes('--help') || process.argv.includes('-h')) {
    const lines = settingEntries.map(
      ({ name, fallback, meaning }) => `  ${name.padEnd(20)}${meaning} (${fallback ?? 'not set'})`,
    );
    process.stdout.write(`Environment variables:\n${lines.join('\n')}\n`);
    return;
  }
  const settings = readSettings(process.env);
  const sample = await startSample(settings);
  logger.log(`The sample-order-service is ready: ${sample.url} (pid ${process.pid})`);
  const stop = (signal: string): void => {
    logger.log(`${signal}: closing`);
    sample.close().then(
      () => process.exit(0),
      (error: unknown) => fail(error),
    );
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
}

function fail(error: unknown): void {
  logger.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exit(1);
}

main().catch(fail);
