import type { LogSinks } from '@nestjs-rocketmq/foundation';
import { type StoreOptions, storeOptions } from '@nestjs-rocketmq/store';
import type { MessageStore } from '@nestjs-rocketmq/store';
import type { BrokerConfig } from '../broker.config.js';
import type { BrokerParts } from '../broker.parts.js';
import type { Listening } from '../listening.js';
import { registrationOptions } from '../registration/registration.options.js';
import type { RegistrationService } from '../registration/registration.service.js';
import type { LiveSettings } from './live-settings.js';

export interface SettingsFollowers {
  readonly config: BrokerConfig;
  readonly settings: LiveSettings;
  readonly store: MessageStore;
  readonly parts: BrokerParts;
  readonly listening: Listening;
  readonly registration: RegistrationService;
  readonly log: LogSinks;
}

const intervals: readonly string[] = ['flushConsumerOffsetInterval', 'flushDelayOffsetInterval'];
const ofRegistration: readonly string[] = [
  'namesrvAddr',
  'brokerPermission',
  ...Object.keys(registrationOptions),
];

/**
 * Most parts read a setting when they need it and see a change at once; these have made something of
 * it, and are told.
 */
export function followSettings(followers: SettingsFollowers): void {
  const { config, settings, store, parts, listening, registration, log } = followers;
  settings.onChange((names) => {
    const has = (some: readonly string[]): boolean => some.some((name) => names.has(name));
    if (has(storeOptions.names)) store.reconfigure(changedOf(config, names));
    if (names.has('logLevel')) log.level = config.logLevel;
    if (names.has('maxMessageSize')) listening.limitMessages(config.maxMessageSize);
    if (has(['regionId', 'traceOn'])) {
      parts.processors.send.textsChanged();
      parts.processors.reply.textsChanged();
    }
    if (has(intervals)) parts.housekeeping.intervalsChanged();
    if (names.has('transactionCheckInterval')) parts.checks.intervalChanged();
    if (names.has('brokerPermission')) parts.topics.renew();
    if (has(ofRegistration)) void registration.settingsChanged();
  });
}

function changedOf(config: BrokerConfig, names: ReadonlySet<string>): Partial<StoreOptions> {
  return Object.fromEntries(
    Object.entries(config).filter(
      ([name]) => names.has(name) && Object.hasOwn(storeOptions.table, name),
    ),
  );
}
