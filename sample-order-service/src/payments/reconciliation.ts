import { Inject, Injectable, Logger } from '@nestjs/common';
import type { OnApplicationBootstrap, OnModuleDestroy } from '@nestjs/common';
import { exhaustMap, interval } from 'rxjs';
import type { Subscription } from 'rxjs';
import { GatewayService } from '../gateway/gateway.service.js';
import { SETTINGS } from '../settings.js';
import type { Settings } from '../settings.js';
import { PaymentCapture } from './payment-capture.js';

/** How many charges one round takes. */
const ROUND = 50;

/** Asks the gateway about captures whose callback never came or was not understood. */
@Injectable()
export class Reconciliation implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Reconciliation');
  private rounds: Subscription | undefined;
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly gateway: GatewayService,
    private readonly capture: PaymentCapture,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  onApplicationBootstrap(): void {
    this.rounds = interval(this.settings.reconcileAfter)
      .pipe(exhaustMap(() => (this.running = this.round(this.settings.reconcileAfter))))
      .subscribe();
  }

  async onModuleDestroy(): Promise<void> {
    this.rounds?.unsubscribe();
    await this.running;
  }

  /** Looks up what was captured this long ago; what fails waits for the next round. */
  async round(ageMs: number): Promise<void> {
    try {
      for (const charge of await this.gateway.unacknowledged(ageMs, ROUND)) {
        const { payId, amount, reference } = charge;
        await this.capture.accept({ payId, amount, reference });
        await this.gateway.acknowledge(payId);
        this.logger.log(`Payment ${payId} was captured; found by asking the gateway.`);
      }
    } catch (error) {
      this.logger.warn(`A round of questions to the gateway failed: ${String(error)}`);
    }
  }
}
