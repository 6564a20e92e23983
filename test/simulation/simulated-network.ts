import { SeededRandom } from '@nestjs-rocketmq/foundation/testing';
import { LoopbackNetwork, type LoopbackWire } from '@nestjs-rocketmq/remoting/testing';

/** How the bytes of a connection arrive from now on. */
export type Delivery = 'whole' | 'bytes' | 'pieces';

interface WireFaults {
  delivery: Delivery;
  random: SeededRandom;
  /** So many frames of the other side will come twice. */
  doubled: number;
}

/** The network of a simulated world: connections inside the process, which break when told to. */
export class SimulatedNetwork extends LoopbackNetwork {
  private readonly faults = new Map<LoopbackWire, WireFaults>();

  constructor(later: (task: () => void) => unknown) {
    super({ later });
  }

  /** From now on bytes between a client and the broker arrive cut into pieces. */
  crumble(localAddress: string, delivery: Delivery, seed: number): void {
    const near = this.find(localAddress);
    if (near === undefined) return;
    for (const end of [near, near.other]) {
      const faults = this.faultsOf(end);
      faults.delivery = delivery;
      faults.random = new SeededRandom(seed);
    }
  }

  /** The next answers to a client come twice. */
  double(localAddress: string, frames: number): void {
    const near = this.find(localAddress);
    if (near !== undefined) this.faultsOf(near.other).doubled = frames;
  }

  /** The connection is reset after so many more bytes, towards the broker or from it. */
  breakAfter(localAddress: string, bytes: number, isFromBroker: boolean): void {
    const near = this.find(localAddress);
    (isFromBroker ? near?.other : near)?.breakAfter(bytes);
  }

  override cut(bytes: Uint8Array, from: LoopbackWire): Uint8Array[] {
    const faults = this.faults.get(from);
    if (faults === undefined) return super.cut(bytes);
    const sent = faults.doubled > 0 ? this.withDoubles(bytes, faults) : bytes;
    if (faults.delivery === 'whole') return super.cut(sent);
    const chunks: Uint8Array[] = [];
    for (let at = 0; at < sent.length;) {
      const size = faults.delivery === 'bytes' ? 1 : 1 + faults.random.below(200);
      chunks.push(Uint8Array.prototype.slice.call(sent, at, at + size));
      at += size;
    }
    return chunks;
  }

  /** Every frame twice, as long as some are to be doubled; bytes that are no whole frames as is. */
  private withDoubles(bytes: Uint8Array, faults: WireFaults): Uint8Array {
    const parts: Uint8Array[] = [];
    const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    let at = 0;
    while (at + 4 <= bytes.length) {
      const end = at + 4 + data.getInt32(at);
      if (end > bytes.length) break;
      parts.push(bytes.subarray(at, end));
      if (faults.doubled > 0) {
        parts.push(bytes.subarray(at, end));
        faults.doubled -= 1;
      }
      at = end;
    }
    parts.push(bytes.subarray(at));
    return Buffer.concat(parts);
  }

  private faultsOf(wire: LoopbackWire): WireFaults {
    let faults = this.faults.get(wire);
    if (faults === undefined) {
      faults = { delivery: 'whole', random: new SeededRandom(1), doubled: 0 };
      this.faults.set(wire, faults);
    }
    return faults;
  }

  private find(localAddress: string): LoopbackWire | undefined {
    return this.wires.findLast((wire) => wire.localAddress === localAddress);
  }
}
