import { OptionsError, type Logger } from '@nestjs-rocketmq/foundation';
import { storeOptions } from '@nestjs-rocketmq/store';
import { brokerOptions, loadBrokerConfig } from './broker.config.js';
import { BrokerRoleError } from './broker.errors.js';
import { misspeltOptions, optionsWithoutMeaning } from './apache-options.js';

function recorder(): Logger & { lines: string[] } {
  const lines: string[] = [];
  const logger = {
    lines,
    debug: (sentence: string) => void lines.push(`debug ${sentence}`),
    info: (sentence: string) => void lines.push(`info ${sentence}`),
    warn: (sentence: string) => void lines.push(`warn ${sentence}`),
    error: (sentence: string) => void lines.push(`error ${sentence}`),
    child: () => logger,
  };
  return logger;
}

describe('loadBrokerConfig', () => {
  it("has Apache's defaults", () => {
    const config = loadBrokerConfig({}, recorder());
    expect(config).toMatchObject({
      brokerClusterName: 'DefaultCluster',
      brokerRole: 'ASYNC_MASTER',
      listenPort: 10_911,
      autoCreateTopicEnable: true,
      defaultTopicQueueNums: 8,
      transactionTimeOut: 6000,
      transactionCheckInterval: 30_000,
      transactionCheckMax: 15,
    });
  });

  it('reads the texts of a .properties file', () => {
    const config = loadBrokerConfig(
      { listenPort: '0', namesrvAddr: 'a:9876; b:9876', autoCreateTopicEnable: 'false' },
      recorder(),
    );
    expect(config.listenPort).toBe(0);
    expect(config.namesrvAddr).toEqual(['a:9876', 'b:9876']);
    expect(config.autoCreateTopicEnable).toBe(false);
  });

  it('names every wrong value with its key and its range', () => {
    const load = () =>
      loadBrokerConfig({ listenPort: '70000', brokerRole: 'MASTER', traceOn: 'yes' }, recorder());
    expect(load).toThrow(OptionsError);
    expect(load).toThrow(/'listenPort' must be between 0 and 65535, but is "70000"/);
    expect(load).toThrow(/'brokerRole' must be one of ASYNC_MASTER, SYNC_MASTER, SLAVE/);
    expect(load).toThrow(/'traceOn' must be true or false/);
  });

  it('warns of an unknown name with the nearest known one', () => {
    const logger = recorder();
    loadBrokerConfig({ brokerNme: 'a' }, logger);
    expect(logger.lines).toEqual([
      "warn 'brokerNme' is not a known option; did you mean 'brokerName'?",
    ]);
  });

  it('says in one line which names of Apache have no meaning here', () => {
    const logger = recorder();
    loadBrokerConfig({ sendMessageThreadPoolNums: '4', popPollingSize: '1' }, logger);
    expect(logger.lines).toHaveLength(1);
    expect(logger.lines[0]).toContain('sendMessageThreadPoolNums, popPollingSize');
  });

  it('warns that old files are not removed yet when somebody configures their removal', () => {
    const logger = recorder();
    loadBrokerConfig({ deleteWhen: '04', fileReservedTime: '48' }, logger);
    expect(logger.lines).toEqual([
      'warn Old files are not removed yet, so these options do nothing: deleteWhen, fileReservedTime.',
    ]);
  });

  it('says of a common misspelling what really holds', () => {
    const logger = recorder();
    loadBrokerConfig({ mapedFileSizeCommitLog: '1' }, logger);
    expect(logger.lines[0]).toContain('mappedFileSizeCommitLog');
  });

  it('refuses to be a slave', () => {
    expect(() => loadBrokerConfig({ brokerRole: 'SLAVE' }, recorder())).toThrow(BrokerRoleError);
  });

  it('refuses a name server without a port', () => {
    expect(() => loadBrokerConfig({ namesrvAddr: 'localhost' }, recorder())).toThrow(/host:port/);
  });

  it('keeps its own options apart from those without meaning and from misspellings', () => {
    const own = new Set([...brokerOptions.names, ...storeOptions.names]);
    expect(
      [...optionsWithoutMeaning, ...Object.keys(misspeltOptions)].filter((n) => own.has(n)),
    ).toEqual([]);
  });
});
