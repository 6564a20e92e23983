import { parseArgs } from 'node:util';
import { messageOf } from '@nestjs-rocketmq/foundation';
import { NameserverStartError } from './nameserver.errors.js';

/** What the arguments of `mqnamesrv` ask for. */
export interface CommandLine {
  /** `-c`: a properties file. */
  readonly file: string | undefined;
  /** `-n`: Apache takes it and has no use for it either. */
  readonly nameServers: string | undefined;
  readonly prints: 'help' | 'all' | 'important' | undefined;
}

export const usage = `usage: mqnamesrv [-c <file>] [-p | -m] [-h]
 -c,--configFile <file>        properties file with options of the nameserver
 -p,--printConfigItem          print all options with their values and leave
 -m,--printImportantConfig     print the important ones and leave
 -n,--namesrvAddr <addresses>  accepted for the sake of scripts; nameservers do not know each other
 -h,--help                     print this and leave
`;

/** Throws `NameserverStartError` for arguments that are not known. */
export function readCommandLine(args: readonly string[]): CommandLine {
  try {
    const { values } = parseArgs({
      args: [...args],
      strict: true,
      options: {
        configFile: { type: 'string', short: 'c' },
        printConfigItem: { type: 'boolean', short: 'p' },
        printImportantConfig: { type: 'boolean', short: 'm' },
        namesrvAddr: { type: 'string', short: 'n' },
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
    throw new NameserverStartError(`${messageOf(error)}\n${usage}`, { cause: error });
  }
}
