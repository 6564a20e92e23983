import { FrameWalker } from './frame-walker.js';

/** A frame of `size` bytes in all, filled with its size. */
function frame(size: number): Buffer {
  const bytes = Buffer.alloc(size, size & 0xff);
  bytes.writeInt32BE(size - 4, 0);
  return bytes;
}

function walk(maxFrameBytes = 100_000) {
  const frames: Buffer[] = [];
  const walker = new FrameWalker({ maxFrameBytes }, (bytes, data, at, end) => {
    expect(data.getInt32(at)).toBe(end - at - 4);
    frames.push(Buffer.from(bytes.subarray(at, end)));
  });
  return { walker, frames };
}

describe('the frame walker', () => {
  const sizes = [8, 9, 100, 8, 4_096, 70_000, 12, 8];
  const stream = Buffer.concat(sizes.map(frame));

  it.each([1, 3, 5, 8, 64, 1_000, 65_536, 1 << 20])(
    'finds all frames in chunks of %d bytes',
    (size) => {
      const { walker, frames } = walk();
      for (let at = 0; at < stream.length; at += size) {
        // A chunk is overwritten after the call, as the one buffer of all sockets is.
        const chunk = Buffer.from(stream.subarray(at, at + size));
        walker.push(chunk);
        chunk.fill(0xee);
      }
      expect(frames.map(({ length }) => length)).toEqual(sizes);
      expect(Buffer.concat(frames).equals(stream)).toBe(true);
      expect(walker.waiting).toBe(0);
    },
  );

  it('stops after the frame in which it was told to, and loses nothing', () => {
    const seen: number[] = [];
    const walker: FrameWalker = new FrameWalker(
      { maxFrameBytes: 100_000 },
      (_bytes, _data, at, end) => {
        seen.push(end - at);
        if (seen.length % 2 === 0) walker.stop();
      },
    );
    walker.push(stream);
    expect(seen).toEqual(sizes.slice(0, 2));
    walker.push(frame(10));
    for (let i = 0; i < 4; i += 1) walker.resume();
    expect(seen).toEqual([...sizes, 10]);
    expect(walker.waiting).toBe(0);
  });

  it.each([
    ['below 4', -1],
    ['of zero', 0],
    ['over the limit', 997],
  ])('refuses a length %s, also when its word comes in pieces', (_name, length) => {
    const word = Buffer.alloc(4);
    word.writeInt32BE(length, 0);
    expect(() => walk(1_000).walker.push(word)).toThrow('The length of a frame');
    const { walker } = walk(1_000);
    walker.push(word.subarray(0, 3));
    expect(() => walker.push(word.subarray(3))).toThrow('The length of a frame');
  });

  it('takes the longest frame that is allowed', () => {
    const { walker, frames } = walk(1_000);
    walker.push(frame(1_000));
    expect(frames).toHaveLength(1);
  });

  it('holds what has arrived, not what the length word promises', () => {
    const { walker } = walk(16 * 1024 * 1024);
    const promise = Buffer.alloc(100);
    promise.writeInt32BE(16 * 1024 * 1024 - 4, 0);
    walker.push(promise);
    expect(walker.waiting).toBe(100);
  });
});
