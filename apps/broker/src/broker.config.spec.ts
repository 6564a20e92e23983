import { OptionsError, type Logger } from '@nestjs-rocketmq/foundation';
import { storeOptions } from '@nestjs-rocketmq/store';
import { loadBrokerConfig } from './broker.config.js';
import { brokerOptions } from './broker.options.js';
import { BrokerRoleError } from './broker.errors.js';
import { idleBrokerOptions } from './settings/idle-options.js';
import { formerNames, neverOptions } from './settings/old-spellings.js';

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

  it('says in one line for each reason which settings of Apache do nothing here', () => {
    const logger = recorder();
    loadBrokerConfig(
      { sendMessageThreadPoolNums: '4', popPollingSize: '1', ackMessageThreadPoolNums: '2' },
      logger,
    );
    expect(logger.lines).toEqual([
      'info Broker options: sendMessageThreadPoolNums, ackMessageThreadPoolNums do nothing here: ' +
        'one thread answers everything, so there are no pools and no queues in front of them.',
      'info Broker options: popPollingSize does nothing here: POP consumption is not there yet.',
    ]);
  });

  it('takes the old names of file sizes and says so', () => {
    const logger = recorder();
    const config = loadBrokerConfig(
      { mapedFileSizeCommitLog: '65536', mapedFileSizeConsumeQueue: '300000' },
      logger,
    );
    expect(config.mappedFileSizeCommitLog).toBe(65_536);
    expect(config.mappedFileSizeConsumeQueue).toBe(300_000);
    expect(logger.lines).toEqual([
      expect.stringContaining("'mapedFileSizeCommitLog' is the old name"),
      expect.stringContaining("'mapedFileSizeConsumeQueue' is the old name"),
      expect.stringContaining('300000 makes files of 15000 messages'),
    ]);
  });

  it('prefers the name of today to the old one', () => {
    const logger = recorder();
    const config = loadBrokerConfig(
      { mappedFileSizeCommitLog: '65536', mapedFileSizeCommitLog: '131072' },
      logger,
    );
    expect(config.mappedFileSizeCommitLog).toBe(65_536);
    expect(logger.lines).toEqual([expect.stringContaining('which is set too and counts')]);
  });

  it.each(Object.keys(neverOptions))('says of %s what really holds', (name) => {
    const logger = recorder();
    loadBrokerConfig({ [name]: '/somewhere' }, logger);
    expect(logger.lines).toEqual([
      expect.stringContaining(`warn '${name}' is no option and changes nothing: `),
    ]);
  });

  it('refuses to be a slave', () => {
    expect(() => loadBrokerConfig({ brokerRole: 'SLAVE' }, recorder())).toThrow(BrokerRoleError);
  });

  it('refuses a name server without a port', () => {
    expect(() => loadBrokerConfig({ namesrvAddr: 'localhost' }, recorder())).toThrow(/host:port/);
  });

  it('keeps its own options apart from those that do nothing and from wrong spellings', () => {
    const own = new Set([...brokerOptions.names, ...storeOptions.names]);
    const others = [idleBrokerOptions.names, Object.keys(formerNames), Object.keys(neverOptions)];
    expect(others.flat().filter((name) => own.has(name))).toEqual([]);
  });

  it('gives one reason only for each setting that does nothing', () => {
    const names = idleBrokerOptions.idleGroups.flatMap((group) => group.names.trim().split(/\s+/));
    expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
  });
});
