import { join } from 'node:path';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { EmbeddedRocketMQ } from '@nestjs-rocketmq/embedded';
import { AppModule } from './app.module.js';
import { setUpHttp } from './app-setup.js';
import { QuietLogger } from './quiet-logger.js';
import type { Settings } from './settings.js';

/** The running service. */
export interface RunningSample {
  readonly app: INestApplication;
  readonly url: string;
  /** Stops taking requests and messages, finishes what is in hand, closes the database. */
  close(): Promise<void>;
}

/** Starts the service, with a broker of its own when no name server is set. */
export async function startSample(settings: Settings): Promise<RunningSample> {
  const embedded =
    settings.nameServers === undefined
      ? await EmbeddedRocketMQ.start({ dir: join(settings.dataDir, 'broker') })
      : undefined;
  try {
    const app = await listen(settings, settings.nameServers ?? embedded?.nameServers ?? '');
    return {
      app,
      url: await app.getUrl(),
      close: async () => {
        await app.close();
        await embedded?.close();
      },
    };
  } catch (error) {
    await embedded?.close();
    throw error;
  }
}

async function listen(settings: Settings, nameServers: string): Promise<INestApplication> {
  const app = await NestFactory.create(AppModule.with(settings, nameServers), {
    abortOnError: false,
    logger: new QuietLogger(),
  });
  try {
    setUpHttp(app);
    await app.listen(settings.port, settings.host);
    return app;
  } catch (error) {
    await app.close();
    throw error;
  }
}
