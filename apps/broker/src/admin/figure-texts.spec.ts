import { bytesText, durationText } from './figure-texts.js';

describe('texts of figures', () => {
  it('say how long the broker runs', () => {
    expect(durationText(0)).toBe('[ 0 days, 0 hours, 0 minutes, 0 seconds ]');
    const millis = ((26 * 60 + 3) * 60 + 4) * 1000 + 5;
    expect(durationText(millis)).toBe('[ 1 days, 2 hours, 3 minutes, 4 seconds ]');
  });

  it('say how many bytes in the largest unit that fits', () => {
    expect([0, 1023, 1024, 1536, 3 * 1024 ** 3].map(bytesText)).toEqual([
      '0 B',
      '1023 B',
      '1.0 KiB',
      '1.5 KiB',
      '3.0 GiB',
    ]);
  });
});
