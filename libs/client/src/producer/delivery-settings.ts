import type { ClientInstance } from '../client-instance.js';
import { BrokerFaults } from './broker-faults.js';
import { Delivery } from './delivery.js';
import { FaultDetector } from './fault-detector.js';
import type { ProducerSettings } from './producer-options.js';
import type { SendHooks } from './send-hooks.js';

/** How a producer with these options delivers. */
export function deliveryOf(
  instance: ClientInstance,
  settings: ProducerSettings,
  hooks: SendHooks,
): { readonly delivery: Delivery; readonly detector: FaultDetector | undefined } {
  const { latencyMax, notAvailableDuration, createTopicKey } = settings;
  const faults = settings.sendLatencyEnable
    ? new BrokerFaults(instance.clock, latencyMax, notAvailableDuration)
    : undefined;
  const hasDetector = faults !== undefined && settings.startDetectorEnable;
  const timing = { interval: settings.detectInterval, timeout: settings.detectTimeout };
  return {
    delivery: new Delivery(instance, {
      group: settings.group,
      retries: settings.retryTimesWhenSendFailed,
      retryCodes: new Set(settings.retryResponseCodes),
      retryWhenNotStoreOk: settings.retryAnotherBrokerWhenNotStoreOK,
      template: { topic: createTopicKey, queues: settings.defaultTopicQueueNums },
      hooks,
      hasDetector,
      ...(faults === undefined ? undefined : { faults }),
      ...(settings.maxTimeoutPerRequest === undefined
        ? undefined
        : { attemptTimeout: settings.maxTimeoutPerRequest }),
    }),
    detector: hasDetector ? new FaultDetector(instance, faults, timing, createTopicKey) : undefined,
  };
}
