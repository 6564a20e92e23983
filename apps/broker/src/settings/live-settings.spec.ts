import { type Logger, OptionsError } from '@nestjs-rocketmq/foundation';
import { FaultyFileSystem } from '@nestjs-rocketmq/store/testing';
import { loadBrokerConfig } from '../broker.config.js';
import { BrokerRoleError } from '../broker.errors.js';
import { LiveSettings } from './live-settings.js';

const file = '/etc/broker.conf';

function started(text: string | null = '# mine\nbrokerName=a\n') {
  const lines: string[] = [];
  const take = (sentence: string): void => void lines.push(sentence);
  const logger: Logger = { debug: take, info: take, warn: take, error: take, child: () => logger };
  const fileSystem = new FaultyFileSystem(1);
  fileSystem.makeDirectory('/etc');
  if (text !== null) fileSystem.writeText(file, text);
  const config = loadBrokerConfig({ brokerName: 'a' }, logger);
  const settings = new LiveSettings({
    config,
    idle: { popPollingSize: '7' },
    file: text === null ? undefined : file,
    fileSystem,
    logger,
  });
  return { lines, config, settings, text: () => fileSystem.readText(file) };
}

describe('LiveSettings', () => {
  it('shows every setting, and those that do nothing as they were given', () => {
    const { settings } = started();
    expect(settings.texts()).toMatchObject({
      brokerName: 'a',
      maxMessageSize: '4194304',
      configBlackList: 'configBlackList;brokerConfigPath',
      popPollingSize: '7',
    });
    expect(settings.text('namesrvAddr')).toBe('');
    expect(settings.text('popPollingSize')).toBe('7');
    expect(settings.text('nothing')).toBeUndefined();
  });

  it('changes what needs no restart at once, in the one object that all parts read', () => {
    const { settings, config, text } = started();
    const told: string[][] = [];
    settings.onChange((names) => told.push([...names]));
    const change = settings.change({ transactionCheckMax: '3', maxMessageSize: '100' });
    expect(change).toEqual({ now: ['transactionCheckMax', 'maxMessageSize'], late: [], idle: [] });
    expect(config.transactionCheckMax).toBe(3);
    expect(config.maxMessageSize).toBe(100);
    expect(told).toEqual([['transactionCheckMax', 'maxMessageSize']]);
    expect(text()).toBe('# mine\nbrokerName=a\ntransactionCheckMax=3\nmaxMessageSize=100\n');
  });

  it('only writes down what needs a restart, and says so', () => {
    const { settings, config, text, lines } = started();
    expect(settings.change({ brokerName: 'b' }).late).toEqual(['brokerName']);
    expect(config.brokerName).toBe('a');
    expect(text()).toBe('# mine\nbrokerName=b\n');
    expect(lines).toEqual(['These settings change with the next start']);
  });

  it('writes down what does nothing here, and says why', () => {
    const { settings, text, lines } = started();
    expect(settings.change({ popPollingSize: '9' }).idle).toEqual(['popPollingSize']);
    expect(settings.text('popPollingSize')).toBe('9');
    expect(text()).toContain('popPollingSize=9');
    expect(lines).toEqual([expect.stringContaining('POP consumption is not there yet')]);
  });

  it('changes nothing when one of several is wrong, and names all of them', () => {
    const { settings, config, text } = started();
    const change = () =>
      settings.change({ maxMessageSize: '100', listenPort: '70000', traceOn: 'yes' });
    expect(change).toThrow(OptionsError);
    expect(change).toThrow(/'listenPort' must be between 0 and 65535, but is "70000"/);
    expect(change).toThrow(/'traceOn' must be true or false, but is "yes"/);
    expect(config.maxMessageSize).toBe(4_194_304);
    expect(text()).toBe('# mine\nbrokerName=a\n');
  });

  it('refuses unknown names with the nearest known one', () => {
    const { settings } = started();
    expect(() => settings.change({ maxMesageSize: '1' })).toThrow(/did you mean 'maxMessageSize'/);
    expect(() => settings.change({ storeCheckPoint: '/x' })).toThrow(/is no option/);
  });

  it('refuses what no option can tell alone', () => {
    const { settings } = started();
    expect(() => settings.change({ brokerRole: 'SLAVE' })).toThrow(BrokerRoleError);
    expect(() => settings.change({ namesrvAddr: 'nowhere' })).toThrow(/host:port/);
  });

  it('names the setting that may not be changed from afar', () => {
    const { settings } = started();
    expect(settings.untouchableIn({ brokerConfigPath: '/x' })).toBe('brokerConfigPath');
    expect(settings.untouchableIn({ maxMessageSize: '1' })).toBeUndefined();
  });

  it('changes settings of a broker without a file, and says that they end with it', () => {
    const { settings, config, lines } = started(null);
    settings.change({ transactionCheckMax: '3' });
    expect(config.transactionCheckMax).toBe(3);
    expect(lines[0]).toContain('There is no configuration file');
  });
});
