import { homedir } from 'node:os';
import { join } from 'node:path';
import { OptionsError, parseProperties, silentLogger } from '@nestjs-rocketmq/foundation';
import { readCommandLine } from './command-line.js';
import { loadNameserverOptions, nameserverOptions, printOptions } from './nameserver.config.js';
import { NameserverStartError } from './nameserver.errors.js';

describe('the options of a nameserver', () => {
  const lines: string[] = [];
  const logger = {
    ...silentLogger,
    info: (sentence: string) => void lines.push(`info ${sentence}`),
    warn: (sentence: string) => void lines.push(`warn ${sentence}`),
  };
  const load = (text: string): ReturnType<typeof loadNameserverOptions> =>
    loadNameserverOptions(parseProperties(text), { unknown: 'warn', logger });
  beforeEach(() => (lines.length = 0));

  it("have Apache's defaults", () => {
    expect(load('')).toMatchObject({
      listenPort: 9876,
      kvConfigPath: join(homedir(), 'namesrv', 'kvConfig.json'),
      scanNotActiveBrokerInterval: 5000,
      enableAllTopicList: true,
      returnOrderTopicConfigToBroker: true,
      needWaitForService: false,
      waitSecondsForService: 45,
    });
  });

  it('come from a properties file', () => {
    const text = '# mine\nlistenPort = 9999\norderMessageEnable=true\nkvConfigPath: /tmp/kv.json';
    expect(load(text)).toMatchObject({
      listenPort: 9999,
      orderMessageEnable: true,
      kvConfigPath: '/tmp/kv.json',
    });
    expect(lines).toEqual([]);
  });

  it('name a misspelt key with the nearest one, and those that have no effect', () => {
    load('listenPrt=1\ndefaultThreadPoolNums=16');
    expect(lines).toEqual([
      'info nameserver: defaultThreadPoolNums does nothing here: one thread answers everything, so ' +
        'there are no pools and no queues in front of them.',
      "warn nameserver: 'listenPrt' is not a known option; did you mean 'listenPort'?",
    ]);
  });

  it('refuse broken values all together, with key, value and range', () => {
    const broken = (): unknown => load('listenPort=70000\nneedWaitForService=yes');
    expect(broken).toThrow(OptionsError);
    expect(broken).toThrow('\'listenPort\' must be between 0 and 65535, but is "70000"');
    expect(broken).toThrow('\'needWaitForService\' must be true or false, but is "yes"');
  });

  it('are printed as a file that loads again', () => {
    const options = load('listenPort=1\nenableTopicList=false');
    expect(load(printOptions(options))).toEqual(options);
    expect(printOptions(options, ['listenPort'])).toBe('listenPort=1\n');
  });

  it('are each explained', () => {
    for (const option of Object.values(nameserverOptions.table)) {
      expect(option.meaning).toMatch(/^[A-Z].*\.$/);
    }
  });
});

describe('the command line of mqnamesrv', () => {
  it('takes the options of Apache', () => {
    expect(readCommandLine(['-c', 'a.conf', '-n', 'x:1'])).toEqual({
      file: 'a.conf',
      nameServers: 'x:1',
      prints: undefined,
    });
    expect(readCommandLine(['-p']).prints).toBe('all');
    expect(readCommandLine(['-m']).prints).toBe('important');
    expect(readCommandLine(['-h', '-p']).prints).toBe('help');
  });

  it('refuses anything else and shows the usage', () => {
    expect(() => readCommandLine(['-x'])).toThrow(NameserverStartError);
    expect(() => readCommandLine(['stray'])).toThrow('usage: mqnamesrv');
    expect(() => readCommandLine(['-c'])).toThrow(NameserverStartError);
  });
});
