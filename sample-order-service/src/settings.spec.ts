import { SettingsError } from './sample.errors.js';
import { readSettings, settingEntries } from './settings.js';

describe('the settings', () => {
  it('have a value for everything when nothing is set', () => {
    expect(readSettings({})).toMatchObject({
      port: 7000,
      host: '127.0.0.1',
      nameServers: undefined,
      databaseUrl: undefined,
      paymentTimeLimit: 1_800_000,
    });
  });

  it('are read from the environment', () => {
    const settings = readSettings({
      PORT: '0',
      NAMESRV_ADDR: 'a:9876;b:9876',
      PAYMENT_TIME_LIMIT: '1h',
      LOCAL_DEADLINE: '500ms',
    });
    expect(settings).toMatchObject({
      port: 0,
      nameServers: 'a:9876;b:9876',
      paymentTimeLimit: 3_600_000,
      localDeadline: 500,
    });
  });

  it('name everything that is wrong at once', () => {
    const read = () =>
      readSettings({ PORT: 'high', GATEWAY_RETRY: '2', DATABASE_URL: 'mysql://x' });
    expect(read).toThrow(SettingsError);
    expect(read).toThrow(/PORT=high[^]*GATEWAY_RETRY=2[^]*DATABASE_URL/);
  });

  it('refuse a local deadline that outlives the time to pay', () => {
    expect(() => readSettings({ LOCAL_DEADLINE: '10s', PAYMENT_TIME_LIMIT: '10s' })).toThrow(
      /LOCAL_DEADLINE/,
    );
  });

  it('each have a meaning', () => {
    for (const { name, meaning } of settingEntries)
      expect(`${name}: ${meaning}`).toMatch(/: .{10}/);
  });
});
