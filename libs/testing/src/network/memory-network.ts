import {
  ConnectError,
  ListenError,
  formatAddress,
  type ConnectTarget,
  type ListenAddress,
  type Listener,
  type Network,
  type Wire,
} from '@nestjs-rocketmq/remoting';
import type { Activity } from '../time/activity.js';
import { MemoryWire, type FrameGate } from './memory-wire.js';

/** The network between broker and clients of a kit: no sockets, no ports of this computer. */
export class MemoryNetwork implements Network {
  private readonly listeners = new Map<number, (wire: Wire) => void>();
  private readonly wires = new Map<number, Set<MemoryWire>>();
  private readonly cut = new Set<number>();
  private nextPort = 10_000;

  constructor(
    private readonly activity: Activity,
    private readonly gate: FrameGate,
  ) {}

  async connect({ host, port, tls }: ConnectTarget): Promise<Wire> {
    if (tls !== undefined) {
      throw new ConnectError("The testing kit's network knows no TLS; leave 'tls' out in tests.");
    }
    this.activity.happened();
    const onWire = this.cut.has(port) ? undefined : this.listeners.get(port);
    const address = formatAddress(host, port);
    if (onWire === undefined) {
      const sentence = `Cannot connect to ${address}: nobody listens there.`;
      throw new ConnectError(sentence, { details: { address }, retriable: true });
    }
    const own = this.nextPort++;
    const ownAddress = formatAddress('127.0.0.1', own);
    const near = new MemoryWire(address, port, ownAddress, false, this.activity, this.gate);
    const far = new MemoryWire(ownAddress, own, address, true, this.activity, this.gate);
    near.other = far;
    far.other = near;
    this.remember(port, near);
    onWire(far);
    return near;
  }

  listen(address: ListenAddress, onWire: (wire: Wire) => void): Promise<Listener> {
    const port = address.port === 0 ? this.nextPort++ : address.port;
    if (this.listeners.has(port)) {
      const where = formatAddress(address.host, port);
      return Promise.reject(new ListenError(`Cannot listen on ${where}: the port is taken.`));
    }
    this.listeners.set(port, onWire);
    return Promise.resolve({
      address: { host: address.host, port },
      close: () => {
        this.listeners.delete(port);
        return Promise.resolve();
      },
    });
  }

  /** Nobody reaches the port any more, and its connections are lost. */
  disconnect(port: number): void {
    this.cut.add(port);
    for (const wire of this.wires.get(port) ?? []) {
      wire.destroy(new Error('The connection was lost (ECONNRESET).'));
    }
    this.wires.delete(port);
  }

  /** The port can be reached again. */
  reconnect(port: number): void {
    this.cut.delete(port);
  }

  private remember(port: number, wire: MemoryWire): void {
    const open = this.wires.get(port) ?? new Set();
    for (const one of open) if (one.closed) open.delete(one);
    this.wires.set(port, open.add(wire));
  }
}
