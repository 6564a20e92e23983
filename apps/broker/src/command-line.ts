import { parseArgs } from 'node:util';
import { messageOf } from '@nestjs-rocketmq/foundation';
import { BrokerStartError } from './broker.errors.js';

/** What the arguments of `mqbroker` ask for. */
export interface CommandLine {
  /** `-c`: a properties file. */
  readonly file: string | undefined;
  /** `-n`: name servers, host:port, separated by semicolons. */
  readonly nameServers: string | undefined;
  readonly prints: 'help' | 'all' | 'important' | undefined;
}

export const usage = `usage: mqbroker [-c <file>] [-n <addresses>] [-p | -m] [-h]
 -c,--configFile <file>        properties file with options of the broker
 -n,--namesrvAddr <addresses>  name servers, such as '192.168.0.1:9876;192.168.0.2:9876'
 -p,--printConfigItem          print all options with their values and leave
 -m,--printImportantConfig     print the important ones and leave
 -h,--help                     print this and leave
`;

/** Those that `mqbroker -m` prints. */
export const importantOptions: readonly string[] = [
  'namesrvAddr',
  'brokerClusterName',
  'brokerName',
  'brokerIP1',
  'brokerIP2',
  'listenPort',
  'brokerRole',
  'autoCreateTopicEnable',
  'autoCreateSubscriptionGroup',
  'rejectTransactionMessage',
  'transactionTimeOut',
  'transactionCheckMax',
  'transactionCheckInterval',
  'storePathRootDir',
  'storePathCommitLog',
  'flushDiskType',
  'flushIntervalCommitLog',
  'maxMessageSize',
  'messageDelayLevel',
];

/** Throws `BrokerStartError` for arguments that are not known. */
export function readCommandLine(args: readonly string[]): CommandLine {
  try {
    const { values } = parseArgs({
      args: [...args],
      strict: true,
      options: {
        configFile: { type: 'string', short: 'c' },
        namesrvAddr: { type: 'string', short: 'n' },
        printConfigItem: { type: 'boolean', short: 'p' },
        printImportantConfig: { type: 'boolean', short: 'm' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    const prints = values.printImportantConfig === true ? 'important' : undefined;
    return {
      file: values.configFile,
      nameServers: values.namesrvAddr,
      prints: values.help === true ? 'help' : values.printConfigItem === true ? 'all' : prints,
    };
  } catch (error) {
    throw new BrokerStartError(`${messageOf(error)}\n${usage}`, { cause: error });
  }
}
