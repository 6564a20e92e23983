import { ManualClock } from '@nestjs-rocketmq/foundation/testing';
import type { BrokerIdentity } from '../route/route-table.js';
import { BrokerLiveness, defaultSilenceMs } from './broker-liveness.js';
import type { BrokerConnection } from './broker-liveness.js';

class Connection implements BrokerConnection {
  closed = false;
  private readonly listeners: (() => void)[] = [];

  onClose(listener: () => void): void {
    this.listeners.push(listener);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    for (const listener of this.listeners) listener();
  }
}

const broker = (address: string): BrokerIdentity => ({ cluster: 'C', name: 'a', id: 0, address });

describe('the liveness of brokers', () => {
  const start = (): { clock: ManualClock; gone: string[]; liveness: BrokerLiveness } => {
    const clock = new ManualClock();
    const gone: string[] = [];
    const liveness = new BrokerLiveness(clock, ({ address }, why) =>
      gone.push(`${address} ${why}`),
    );
    return { clock, gone, liveness };
  };

  it('ends when the connection of the registration closes', () => {
    const { gone, liveness } = start();
    const connection = new Connection();
    liveness.came(broker('x:1'), connection);
    liveness.came(broker('x:1'), connection);
    connection.close();
    expect(gone).toEqual(['x:1 its connection closed']);
    expect(liveness.size).toBe(0);
  });

  it('survives the close of an older connection', () => {
    const { gone, liveness } = start();
    const [older, newer] = [new Connection(), new Connection()];
    liveness.came(broker('x:1'), older);
    liveness.came(broker('x:1'), newer);
    older.close();
    expect(gone).toEqual([]);
    newer.close();
    expect(gone).toHaveLength(1);
  });

  it('ends after silence, and closes the connection', async () => {
    const { clock, gone, liveness } = start();
    const connection = new Connection();
    liveness.came(broker('x:1'), connection);
    await clock.advance(defaultSilenceMs);
    liveness.sweep();
    expect(gone).toEqual([]);
    await clock.advance(1);
    liveness.sweep();
    liveness.sweep();
    expect(gone).toEqual([`x:1 it was silent for ${defaultSilenceMs + 1} ms`]);
    expect(connection.closed).toBe(true);
  });

  it('takes the silence that the broker names, and signs of life', async () => {
    const { clock, gone, liveness } = start();
    liveness.came(broker('x:1'), new Connection(), 1000);
    await clock.advance(900);
    expect(liveness.beat('C', 'x:1')).toBe(true);
    await clock.advance(900);
    liveness.sweep();
    expect(gone).toEqual([]);
    await clock.advance(200);
    liveness.sweep();
    expect(gone).toHaveLength(1);
    expect(liveness.beat('C', 'x:1')).toBe(false);
  });

  it('says nothing of a broker that said goodbye', () => {
    const { gone, liveness } = start();
    const connection = new Connection();
    liveness.came(broker('x:1'), connection);
    liveness.left(broker('x:1'));
    connection.close();
    expect(gone).toEqual([]);
  });
});
