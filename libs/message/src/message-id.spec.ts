import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import { hostBytes, hostText, localAddress } from './host-address.js';
import {
  offsetMessageId,
  parseOffsetMessageId,
  UniqueKeys,
  uniqueKeyHost,
  uniqueKeyTime,
} from './message-id.js';

describe('unique keys', () => {
  const start = new Date(2026, 2, 15, 10, 0, 0, 123).getTime();

  it('hold address, process, salt, time in the month and a counter', () => {
    const clock = new ManualClock(start);
    const keys = new UniqueKeys({ clock, pid: 0x12345, ip: '10.1.2.3', salt: 0xcafebabe });
    const since = start - new Date(2026, 2, 1).getTime();
    const hex = since.toString(16).toUpperCase().padStart(8, '0');
    expect(keys.next()).toBe(`0A0102032345CAFEBABE${hex}0000`);
    expect(keys.next()).toBe(`0A0102032345CAFEBABE${hex}0001`);
  });

  it('tell when and where they were made', async () => {
    const clock = new ManualClock(start);
    const keys = new UniqueKeys({ clock, pid: 1, ip: '2001:db8::7' });
    const key = keys.next();
    expect(key).toHaveLength(56);
    expect(uniqueKeyHost(key)).toBe('2001:db8::7');
    expect(uniqueKeyTime(key, start + 5)).toBe(start);
  });

  it('start their time anew with each month and never repeat within a millisecond', async () => {
    const end = new Date(2026, 3, 1).getTime() - 1;
    const clock = new ManualClock(end);
    const keys = new UniqueKeys({ clock, pid: 1, ip: '10.0.0.1', salt: 1 });
    const before = keys.next();
    expect(uniqueKeyTime(before, end + 10)).toBe(end);
    await clock.advance(3);
    expect(keys.next().slice(20, 28)).toBe('00000002');
    const many = new Set(Array.from({ length: 65_000 }, () => keys.next()));
    expect(many.size).toBe(65_000);
  });

  it('take a clock that stepped back over the turn of the month as its start', async () => {
    const clock = new ManualClock(new Date(2026, 3, 1).getTime());
    const keys = new UniqueKeys({ clock, pid: 1, ip: '10.0.0.1', salt: 1 });
    keys.next();
    clock.jump(-500);
    expect(keys.next().slice(20, 28)).toBe('00000000');
  });

  it('refuse other texts', () => {
    for (const bad of ['', 'x'.repeat(32), '00'.repeat(15)]) {
      expect(() => uniqueKeyTime(bad, 0)).toThrow(
        expect.objectContaining({ code: 'MESSAGE_ID_ILLEGAL' }) as Error,
      );
    }
  });
});

describe('offset message ids', () => {
  it('are what Java prints', () => {
    const id = offsetMessageId(Uint8Array.of(127, 0, 0, 1), 10_911, 2 ** 40 + 255);
    expect(id).toBe('7F00000100002A9F00000100000000FF');
    expect(parseOffsetMessageId(id)).toEqual({
      host: '127.0.0.1',
      port: 10_911,
      position: 2 ** 40 + 255,
    });
  });

  it('carry IPv6 hosts', () => {
    const id = offsetMessageId(hostBytes('fe80::1'), 1, 0xffff_ffff);
    expect(parseOffsetMessageId(id.toLowerCase())).toEqual({
      host: 'fe80::1',
      port: 1,
      position: 0xffff_ffff,
    });
  });
});

describe('host addresses', () => {
  it('become bytes and text again', () => {
    for (const text of ['1.2.3.4', '::1', '2001:db8::1', '1:2:3:4:5:6:7:8', 'fe80::', '::']) {
      expect(hostText(hostBytes(text))).toBe(text);
    }
    expect(hostText(hostBytes('[::ffff:10.0.0.1]'))).toBe('10.0.0.1');
    expect(hostText(hostBytes('fe80::1%eth0'))).toBe('fe80::1');
  });

  it('are refused when they are none', () => {
    for (const bad of ['localhost', '1.2.3', '1.2.3.400', '1::2::3', '1:2:3', '::g', ':1']) {
      expect(() => hostBytes(bad)).toThrow('not an IP address');
    }
  });

  it('has one for this machine', () => {
    expect([4, 16]).toContain(hostBytes(localAddress()).length);
  });
});
