import { OutputBuffer } from './output-buffer.js';

describe('OutputBuffer', () => {
  const filled = (bytes: number): OutputBuffer => {
    const output = new OutputBuffer();
    output.append(new Uint8Array(bytes));
    return output;
  };

  it('keeps a small buffer for the next answers, and gives a large one back', () => {
    const small = filled(9_000);
    const { bytes } = small;
    small.release();
    expect(small.length).toBe(0);
    expect(small.bytes).toBe(bytes);
    const large = filled(40_000);
    large.release();
    expect([large.length, large.bytes.length]).toEqual([0, 0]);
  });

  it('takes a large buffer that another has given back', () => {
    const first = filled(140_000);
    const { bytes } = first;
    first.release();
    expect(filled(130_000).bytes).toBe(bytes);
  });
});
