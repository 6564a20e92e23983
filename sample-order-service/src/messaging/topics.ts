import { Injectable, Logger } from '@nestjs/common';
import type { OnModuleDestroy, OnModuleInit } from '@nestjs/common';
import { RocketMQTemplate } from 'nestjs-rocketmq';
import { defer, from, lastValueFrom, retry, Subject, takeUntil, timeout } from 'rxjs';
import { Topics } from '../contracts.js';

/** The tag of a message that nobody listens to. */
const OPENED = 'OPENED';

const PAUSE_MS = 500;
const PATIENCE_MS = 20_000;

/**
 * Makes the broker know our topics before listeners ask for them: a broker that creates topics by
 * itself does so at the first message, and a listener that came before would only notice at its
 * next look at the name server, half a minute later.
 */
@Injectable()
export class TopicOpener implements OnModuleInit, OnModuleDestroy {
  private readonly logger = new Logger('Topics');
  private readonly stopped = new Subject<void>();
  private areOpen = false;

  constructor(private readonly template: RocketMQTemplate) {}

  get isOpen(): boolean {
    return this.areOpen;
  }

  /** Waits for the broker within bounds; afterwards goes on trying without holding up the start. */
  async onModuleInit(): Promise<void> {
    const opening = this.open();
    try {
      await lastValueFrom(from(opening).pipe(timeout(PATIENCE_MS)));
    } catch (error) {
      this.logger.warn(`The broker does not answer yet; trying on. ${String(error)}`);
    }
  }

  onModuleDestroy(): void {
    this.stopped.next();
  }

  private async open(): Promise<void> {
    for (const topic of Object.values(Topics)) {
      const sending = defer(() => this.template.send(`${topic}:${OPENED}`, { topic }));
      const trying = sending.pipe(retry({ delay: PAUSE_MS }), takeUntil(this.stopped));
      await lastValueFrom(trying, { defaultValue: undefined });
    }
    this.areOpen = true;
  }
}
