import { SeededRandom } from '@nestjs-rocketmq/foundation/testing';
import { LoopbackNetwork, type LoopbackWire } from '@nestjs-rocketmq/remoting/testing';
import { type Delivery, WireFaults } from './wire-faults.js';

/** Which way nothing comes through. */
export type Deafness = 'broker' | 'client' | 'both';

/** The network of a simulated world: connections inside the process, which break when told to. */
export class SimulatedNetwork extends LoopbackNetwork {
  private readonly faults = new Map<LoopbackWire, WireFaults>();

  constructor(
    later: (task: () => void) => unknown,
    private readonly happened: (what: string) => void,
  ) {
    super({ later, bufferBytes: 4096 });
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

  /** Frames that belong to nothing come before the next ones, both ways. */
  mislead(localAddress: string, frames: number, seed: number): void {
    const near = this.find(localAddress);
    if (near === undefined) return;
    for (const end of [near, near.other]) {
      const faults = this.faultsOf(end);
      faults.strays = frames;
      faults.random = new SeededRandom(seed);
    }
  }

  /** The next answers to a client are kept until there are so many, and come in another order. */
  shuffle(localAddress: string, frames: number, seed: number): void {
    const near = this.find(localAddress);
    if (near === undefined) return;
    const faults = this.faultsOf(near.other);
    faults.shuffled = frames;
    faults.random = new SeededRandom(seed);
  }

  /** Gives out what `shuffle` keeps, though it is less than was wanted. */
  release(localAddress: string): void {
    const far = this.find(localAddress)?.other;
    if (far === undefined) return;
    const frames = this.faults.get(far)?.release() ?? [];
    if (frames.length > 0) far.write(Buffer.concat(frames));
  }

  /** The connection is reset after so many more bytes, towards the broker or from it. */
  breakAfter(localAddress: string, bytes: number, isFromBroker: boolean): void {
    const near = this.find(localAddress);
    if (near === undefined) return;
    this.happened('reset');
    (isFromBroker ? near.other : near).breakAfter(bytes);
  }

  /** Nothing comes through any more, one way or both, and nobody is told: a half-open connection. */
  cutOff(localAddress: string, deaf: Deafness): void {
    const near = this.find(localAddress);
    if (near === undefined) return;
    this.happened(`half-open, deaf: ${deaf}`);
    if (deaf !== 'client') near.mute();
    if (deaf !== 'broker') near.other.mute();
  }

  /** Both ends of a connection hear that it is gone. */
  reset(localAddress: string): void {
    const near = this.find(localAddress);
    for (const end of near === undefined ? [] : [near, near.other]) {
      end.destroy(new Error('ECONNRESET'));
    }
  }

  /** The client reads nothing until `goOn`. */
  stall(localAddress: string): void {
    this.find(localAddress)?.stall();
  }

  goOn(localAddress: string): void {
    const near = this.find(localAddress);
    if (near === undefined) return;
    this.happened(near.other.writableLength > 0 ? 'slow reader, buffer full' : 'slow reader');
    near.goOn();
  }

  /** Whether answers may be on their way for as long as this lasts. */
  isDisturbed(localAddress: string): boolean {
    const near = this.find(localAddress);
    if (near === undefined) return false;
    const isKeeping = this.faults.get(near.other)?.isKeeping === true;
    return isKeeping || near.isDeaf || near.other.isDeaf;
  }

  override cut(bytes: Uint8Array, from: LoopbackWire): Uint8Array[] {
    return this.faults.get(from)?.pieces(bytes) ?? super.cut(bytes);
  }

  private faultsOf(wire: LoopbackWire): WireFaults {
    let faults = this.faults.get(wire);
    if (faults === undefined) {
      faults = new WireFaults(this.happened);
      this.faults.set(wire, faults);
    }
    return faults;
  }

  private find(localAddress: string): LoopbackWire | undefined {
    return this.wires.findLast((wire) => wire.localAddress === localAddress);
  }
}
