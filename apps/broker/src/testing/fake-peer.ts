import type { Peer } from '@nestjs-rocketmq/remoting';

/** A connection that goes nowhere and remembers what it was told; for specs. */
export class FakePeer {
  closed = false;
  readonly told: string[] = [];
  private readonly listeners: (() => void)[] = [];

  constructor(readonly remoteAddress: string) {}

  onClose(listener: () => void): void {
    this.listeners.push(listener);
  }

  notify(definition: { name: string }): void {
    this.told.push(definition.name);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    for (const listener of this.listeners) listener();
  }

  /** Itself, where a real peer is wanted. */
  get peer(): Peer {
    return this as unknown as Peer;
  }
}
