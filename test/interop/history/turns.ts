import { networkInterfaces } from 'node:os';
import { startJavaBroker, untilRegistered } from '../../support/java.js';
import { startOurBroker } from '../../support/our-servers.js';
import type { Holder } from './plan.js';

export type End = 'closed' | 'killed';

/** A broker on the store of the history. */
export interface Turn {
  readonly port: number;
  end(how: End): Promise<void>;
}

export interface TurnOptions {
  readonly nameServers: string;
  readonly storeDir: string;
  readonly brokerName: string;
  readonly port: number;
  /** The address that it writes into records and tells to clients. */
  readonly host: string;
}

export const entriesPerQueueFile = 100;

/** Small files, short waits. */
const settings = {
  mappedFileSizeCommitLog: 64 * 1024,
  mappedFileSizeConsumeQueue: 20 * entriesPerQueueFile,
  maxHashSlotNum: 500,
  maxIndexNum: 1000,
  // Java's index is complete after a kill only with this one.
  messageIndexSafe: true,
  messageDelayLevel: '1s 1s 2s 3s',
  transactionTimeOut: 2000,
  // Nobody is given up while a slow machine starts the producer that knows.
  transactionCheckMax: 1000,
};

/**
 * 5.x writes the op message of a decision up to this time later. A half that is checked again before
 * that is committed again, so the interval of checks must be well above it.
 */
const javaSettings = { transactionOpBatchInterval: 100, transactionCheckInterval: 3000 };
const ourSettings = { transactionCheckInterval: 1000 };

/** Whether this machine has IPv6; then ours listens on both, as Java does by itself. */
export const hasIpv6 = Object.values(networkInterfaces()).some((all) =>
  all?.some((one) => one.address === '::1'),
);

export async function open(holder: Holder, options: TurnOptions): Promise<Turn> {
  const { nameServers, storeDir, brokerName, port, host } = options;
  const properties = { ...settings, brokerName, brokerIP1: host };
  if (holder !== 'ours') {
    const java = await startJavaBroker(holder, {
      nameServers,
      storeDir,
      port,
      properties: { ...properties, ...javaSettings },
    });
    return { port, end: (how) => (how === 'closed' ? java.stop() : java.kill()) };
  }
  const { program } = await startOurBroker({
    nameServers,
    storeDir,
    port,
    properties: { ...properties, ...ourSettings, ...(hasIpv6 ? { bindAddress: '::' } : {}) },
  });
  await untilRegistered(nameServers, `${host}:${port}`);
  return { port, end: (how) => (how === 'closed' ? program.stop() : program.kill()) };
}
