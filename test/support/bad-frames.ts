import type { SeededRandom } from '@nestjs-rocketmq/foundation/testing';
import { allCommands, encodeFrame, type HeaderForm } from '@nestjs-rocketmq/protocol';

const interesting = ['', '0', '-1', '1', '2147483647', '-2147483648', '9223372036854775807'];

/** A value that a field of this kind may have on the wire; mostly sensible, sometimes at a border. */
function plausible(random: SeededRandom, kind: string): string {
  if (random.chance(0.1)) return random.pick(interesting);
  switch (kind) {
    case 'int32':
    case 'int64':
      return String(random.below(4));
    case 'bool':
      return random.pick(['true', 'false']);
    case 'properties':
      return 'KEYS\u0001k\u0002TAGS\u0001a\u0002';
    case 'offsetId':
      return '7F00000100002A9F0000000000000000';
    default:
      return random.pick(['TBW102', 'topic-a', 'group-a', 'no such name', '%RETRY%group-a']);
  }
}

/** A request that is well formed as a frame; what its fields mean may be nonsense. */
export function wellFormedRequest(
  random: SeededRandom,
  opaque: number,
  form: HeaderForm,
): Uint8Array {
  const command = random.pick(allCommands);
  const extFields: Record<string, string> = {};
  for (const [name, field] of Object.entries(command.asks)) {
    if (field.isOptional && random.chance(0.3)) continue;
    extFields[field.wireName ?? name] = plausible(random, field.kind);
  }
  // A pull that may wait is answered when something arrives; here every request wants its answer.
  if ('suspendTimeoutMillis' in extFields) extFields['suspendTimeoutMillis'] = '0';
  // Only the tests below may fill the disk; a large answer would hide what is tested.
  if ('maxMsgNums' in extFields) extFields['maxMsgNums'] = '1';
  const unknown = random.chance(0.05);
  return encodeFrame({
    code: unknown ? 20_000 + random.below(5000) : command.code,
    language: 'OTHER',
    version: 479,
    opaque,
    flag: 0,
    remark: undefined,
    extFields,
    body: random.chance(0.5) ? new Uint8Array(0) : random.bytes(random.below(64)),
    form,
  });
}

const lengths = [-1, 0, 3, 4, 0x7fffffff, -0x80000000, 16 * 1024 * 1024];

function withBrokenLength(random: SeededRandom, frame: Uint8Array): Uint8Array {
  new DataView(frame.buffer).setInt32(0, random.pick(lengths));
  return frame;
}

function withBrokenHeaderLength(random: SeededRandom, frame: Uint8Array): Uint8Array {
  const word = (random.below(256) << 24) | random.pick([0, 1, 0xffffff, frame.length, 20]);
  new DataView(frame.buffer).setInt32(4, word);
  return frame;
}

function withFlippedBytes(random: SeededRandom, frame: Uint8Array): Uint8Array {
  // The length stays right, so that what is broken is the header or the body.
  for (let flips = 1 + random.below(8); flips > 0; flips -= 1) {
    frame[8 + random.below(Math.max(1, frame.length - 8))] = random.below(256);
  }
  return frame;
}

function noise(random: SeededRandom): Uint8Array {
  const bytes = random.bytes(8 + random.below(200));
  if (random.chance(0.5)) new DataView(bytes.buffer).setInt32(0, bytes.length - 4);
  return bytes;
}

/** A frame with something wrong in it, or no frame at all. */
export function brokenFrame(random: SeededRandom, opaque: number): Uint8Array {
  const frame = wellFormedRequest(random, opaque, random.pick(['json', 'binary']));
  switch (random.below(5)) {
    case 0:
      return withBrokenLength(random, frame);
    case 1:
      return withBrokenHeaderLength(random, frame);
    case 2:
      return noise(random);
    default:
      return withFlippedBytes(random, frame);
  }
}
