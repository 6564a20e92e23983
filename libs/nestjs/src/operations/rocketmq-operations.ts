import { Inject, Injectable } from '@nestjs/common';
import { RocketMQConnections } from '../rocketmq.connections.js';
import { openMetrics, type MessageMetrics } from './message-metrics.js';
import { OutboxProbe } from './outbox-probe.js';
import { openTelemetry } from './message-spans.js';

/** Sets up metrics and spans when the options ask for them; nothing is loaded otherwise. */
@Injectable()
export class RocketMQOperations {
  private metrics: MessageMetrics | undefined;

  constructor(
    @Inject(RocketMQConnections) private readonly connections: RocketMQConnections,
    @Inject(OutboxProbe) private readonly outbox: OutboxProbe,
  ) {}

  /** Before the first connection opens. Rejects with `RocketMQSetupError`. */
  async start(): Promise<void> {
    const { metrics, telemetry, clock } = this.connections.settings;
    // Spans are the outer ones, so that exemplars of the metrics could know them.
    if (telemetry !== undefined) this.connections.observe(await openTelemetry(telemetry));
    if (metrics === undefined) return;
    this.metrics = await openMetrics(
      metrics,
      clock,
      () =>
        this.connections.all.map(({ settings, problem, consumers }) => ({
          name: settings.name,
          problem,
          consumers,
        })),
      this.outbox.isThere ? this.outbox : undefined,
    );
    this.connections.observe(this.metrics);
  }

  close(): void {
    this.metrics?.close();
    this.metrics = undefined;
  }
}
