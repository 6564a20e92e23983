import { ClientProxy, type ReadPacket, type WritePacket } from '@nestjs/microservices';
import type { RocketMQEventMap } from '../operations/event-types.js';
import { RocketMQClosedError } from '../nestjs.errors.js';
import { RocketMQRecord } from './rocketmq.record.js';
import { readReply } from './rpc-reply.js';
import { TransportLink } from './transport-link.js';
import type { RocketMQTransportOptions } from './transport-options.js';

/** Handlers of events by name, for `on`. */
export type RocketMQTransportEvents = {
  [K in keyof RocketMQEventMap]: (event: RocketMQEventMap[K]) => unknown;
};

/**
 * The client of the transport. Patterns are `topic` or `topic:tag`; a payload, or a `RocketMQRecord`
 * with options of the send.
 *
 * `emit` sends: its observable gives the broker's answer and completes when the message is stored, and
 * fails when it is not; it sends without a subscriber too. `send` is a request: it gives the one reply
 * of a `@MessagePattern` handler, waits `timeout` of the record or `producer.sendTimeout` for it, and
 * sends when somebody subscribes.
 *
 * @example
 * ```ts
 * ClientsModule.register([
 *   { name: 'ORDERS', customClass: RocketMQClient, options: { nameServers: 'localhost:9876' } },
 * ]);
 * await firstValueFrom(this.orders.emit('orders:placed', order));
 * const price = await firstValueFrom(this.orders.send<number>('prices', { sku }));
 * ```
 */
export class RocketMQClient extends ClientProxy<RocketMQTransportEvents, string> {
  private link: TransportLink | undefined;
  private opening: Promise<void> | undefined;

  constructor(private readonly options: RocketMQTransportOptions) {
    super();
  }

  /** Connects; done by itself at the first `emit` or `send`. Rejects with `RocketMQSetupError`. */
  connect(): Promise<void> {
    this.opening ??= this.open().catch((error: unknown) => {
      // The next call tries again: a broken start must not stay for ever.
      this.link = undefined;
      this.opening = undefined;
      throw error;
    });
    return this.opening;
  }

  /** Waits for what is under way, within a deadline, and disconnects. */
  async close(): Promise<void> {
    const { link, opening } = this;
    this.link = undefined;
    this.opening = undefined;
    await opening?.catch(() => undefined);
    if (link === undefined) return;
    await link.close();
    this._status$.next('disconnected');
  }

  override on<K extends keyof RocketMQTransportEvents>(
    event: K,
    callback: RocketMQTransportEvents[K],
  ): void {
    this.existing().events.on(event, callback as never);
  }

  /** The `RocketMQTemplate` behind it. Throws `RocketMQClosedError` while it is not connected. */
  unwrap<T>(): T {
    return this.existing().template as T;
  }

  protected override async dispatchEvent<T>(packet: ReadPacket): Promise<T> {
    const { destination, payload, options } = this.read(packet);
    return this.existing().template.send(destination, payload as never, options) as Promise<T>;
  }

  protected override publish(
    packet: ReadPacket,
    callback: (packet: WritePacket) => void,
  ): () => void {
    const { destination, payload, options } = this.read(packet);
    const { sending, backend } = this.existing();
    const abort = new AbortController();
    const ask = async (): Promise<void> => {
      const own = { ...options, signal: abort.signal };
      const values = sending.read(`request to '${destination}'`, own);
      const reply = await sending.one(
        'request',
        destination,
        payload,
        values,
        (producer, ...asked) => producer.request(...asked),
      );
      callback({ ...readReply(backend.converters, reply), isDisposed: true });
    };
    ask().catch((err: unknown) => {
      if (!abort.signal.aborted) callback({ err, isDisposed: true });
    });
    return () => abort.abort();
  }

  private async open(): Promise<void> {
    const link = new TransportLink(this.options);
    link.onStatus((status) => this._status$.next(status));
    this.link = link;
    await link.open();
    this._status$.next('connected');
  }

  private read({ pattern, data, metadata }: ReadPacket) {
    const destination = this.normalizePattern(pattern);
    const record: RocketMQRecord = data instanceof RocketMQRecord ? data : new RocketMQRecord(data);
    const properties = { ...metadata, ...record.options.properties };
    return { destination, payload: record.payload, options: { ...record.options, properties } };
  }

  private existing(): TransportLink {
    if (this.link !== undefined) return this.link;
    throw new RocketMQClosedError('RocketMQClient is not connected: call connect() before.');
  }
}
