import { OpenHalves } from './open-halves.js';

describe('OpenHalves', () => {
  it('looks at all of them once, when somebody asks, and counts from then on', () => {
    const halves = new OpenHalves();
    let looks = 0;
    const ask = (...topics: string[]) =>
      Object.fromEntries(
        halves.byTopic(() => {
          looks += 1;
          return topics;
        }),
      );
    halves.open('orders');
    halves.turnWritten();
    expect(ask('orders', 'orders', 'refunds')).toEqual({ orders: 2, refunds: 1 });
    halves.open('orders');
    halves.close('refunds');
    halves.turnWritten();
    expect(ask()).toEqual({ orders: 3 });
    expect(looks).toBe(1);
    halves.forget();
    expect(ask('orders')).toEqual({ orders: 1 });
  });

  it('takes back what a failed write has not stored', () => {
    const halves = new OpenHalves();
    halves.byTopic(() => ['orders']);
    halves.open('refunds');
    halves.close('orders');
    halves.turnFailed();
    expect([...halves.byTopic(() => [])]).toEqual([['orders', 1]]);
  });
});
