import { option, type OptionValues } from '@nestjs-rocketmq/foundation';

/** How a broker makes itself known to name servers. */
export const registrationOptions = {
  registerNameServerPeriod: option.duration({
    restart: false,
    default: 30_000,
    min: 10_000,
    max: 60_000,
    meaning: 'How often this broker registers with its name servers.',
  }),
  registerBrokerTimeoutMills: option.duration({
    restart: false,
    default: 24_000,
    min: 100,
    max: 60_000,
    meaning: 'How long a registration may take.',
  }),
  forceRegister: option.boolean({
    restart: false,
    default: true,
    meaning:
      'Every period all topics are told; otherwise only to name servers that, asked first, know ' +
      'another version of them.',
  }),
  compressedRegister: option.boolean({
    restart: false,
    default: false,
    meaning: 'Registrations are compressed; flags and order of topics are lost on the way.',
  }),
  enableSingleTopicRegister: option.boolean({
    restart: false,
    default: false,
    meaning:
      'A changed topic is told alone (name servers from 5.0 on), all topics with the next period.',
  }),
  enableSplitRegistration: option.boolean({
    restart: false,
    default: false,
    meaning: 'All topics are told in several registrations of splitRegistrationSize topics.',
  }),
  splitRegistrationSize: option.integer({
    restart: false,
    default: 800,
    min: 2,
    max: 1_000_000,
    meaning: 'See enableSplitRegistration.',
  }),
  enableSlaveActingMaster: option.boolean({
    restart: false,
    default: false,
    meaning:
      'Beats to the name servers between registrations, which then forget a dead broker sooner; a ' +
      'slave that acts for its master comes with replication.',
  }),
  brokerHeartbeatInterval: option.duration({
    restart: false,
    default: 1000,
    min: 100,
    max: 60_000,
    meaning: 'How often this broker beats, with enableSlaveActingMaster.',
  }),
  brokerNotActiveTimeoutMillis: option.duration({
    restart: false,
    default: 10_000,
    min: 1000,
    max: 600_000,
    meaning: 'After such silence name servers forget a broker that beats.',
  }),
  sendHeartbeatTimeoutMillis: option.duration({
    restart: false,
    default: 1000,
    min: 100,
    max: 60_000,
    meaning: 'How long an answer to a beat is waited for.',
  }),
  compatibleWithOldNameSrv: option.boolean({
    restart: false,
    default: true,
    meaning: 'Beats by asking for the data version, which name servers before 5.0 understand.',
  }),
};

export type RegistrationSettings = OptionValues<typeof registrationOptions> & {
  readonly namesrvAddr: readonly string[];
  readonly brokerPermission: number;
};
