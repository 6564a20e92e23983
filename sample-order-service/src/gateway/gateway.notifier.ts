import { Inject, Injectable, Logger } from '@nestjs/common';
import type { OnApplicationBootstrap, OnModuleDestroy } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { exhaustMap, interval } from 'rxjs';
import type { Subscription } from 'rxjs';
import { SETTINGS } from '../settings.js';
import type { Settings } from '../settings.js';
import type { Charge } from './gateway.entities.js';
import { GatewayService } from './gateway.service.js';
import type { Outcome } from './gateway.service.js';
import { SIGNATURE_HEADER, signNotice } from './signature.js';

/** How many charges one round takes. */
const ROUND = 50;

/** Calls the merchant, at least once for every capture, until it answers 2xx or refuses. */
@Injectable()
export class GatewayNotifier implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Gateway');
  private rounds: Subscription | undefined;
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly gateway: GatewayService,
    private readonly http: HttpAdapterHost,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  onApplicationBootstrap(): void {
    this.rounds = interval(this.settings.gatewayRetry)
      .pipe(exhaustMap(() => (this.running = this.round())))
      .subscribe();
  }

  async onModuleDestroy(): Promise<void> {
    this.rounds?.unsubscribe();
    await this.running;
  }

  /** The payer pays at the gateway's page; answers what the merchant said, if it was called. */
  async pay(payId: string, outcome: Outcome): Promise<{ state: string; callback?: number[] }> {
    const state = await this.gateway.capture(payId, outcome);
    const charge = await this.gateway.charge(payId);
    if (charge.notifyAt === null || outcome === 'later') return { state };
    if (outcome === 'twice') {
      return { state, callback: await Promise.all([this.notify(charge), this.notify(charge)]) };
    }
    if (outcome === 'wrongAmount') {
      return { state, callback: [await this.notify({ ...charge, amount: charge.amount + 1 })] };
    }
    return { state, callback: [await this.notify(charge)] };
  }

  /** Calls every merchant that is due. */
  async round(): Promise<void> {
    try {
      for (const charge of await this.gateway.due(ROUND)) await this.notify(charge);
    } catch (error) {
      this.logger.warn(`A round of callbacks failed and is repeated: ${String(error)}`);
    }
  }

  /** One signed call; answers the HTTP status, 0 when the merchant could not be reached. */
  private async notify(charge: Charge): Promise<number> {
    const status = await this.call(charge);
    if (status >= 200 && status < 300) await this.gateway.acknowledge(charge.payId);
    else if (status >= 400 && status < 500) await this.gateway.giveUp(charge.payId);
    else await this.gateway.postpone(charge.payId);
    return status;
  }

  private async call(charge: Charge): Promise<number> {
    const notice = { payId: charge.payId, amount: charge.amount, reference: charge.reference };
    try {
      const response = await fetch(`${this.merchant()}/payments/callback`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          [SIGNATURE_HEADER]: signNotice(notice, this.settings.gatewaySecret),
        },
        body: JSON.stringify(notice),
        signal: AbortSignal.timeout(10_000),
      });
      await response.arrayBuffer();
      return response.status;
    } catch (error) {
      this.logger.warn(`The callback of ${charge.payId} was not answered: ${String(error)}`);
      return 0;
    }
  }

  /** In this sample the merchant is the same process, at whatever port it listens on. */
  private merchant(): string {
    const server = this.http.httpAdapter.getHttpServer() as { address(): { port: number } | null };
    const port = server.address()?.port ?? this.settings.port;
    return `http://${this.settings.host}:${port}`;
  }
}
