import { requestCodeName, requestCodes } from '@nestjs-rocketmq/protocol';
import { brokerRoutes, type Processors } from './broker.routes.js';

describe('the routes of a broker', () => {
  const routes = brokerRoutes({} as Processors).all();

  it('answer or refuse every request code that RocketMQ knows', () => {
    const missing = Object.values(requestCodes).filter((code) => !routes.has(code));
    expect(missing.map(requestCodeName)).toEqual([]);
  });

  it('have the message path on the hot side', () => {
    const hot = [...routes].filter(([, route]) => route.kind === 'hot').map(([code]) => code);
    expect(hot.sort((one, other) => one - other)).toEqual([10, 11, 14, 15, 36, 37, 310, 320, 361]);
  });

  it('call what they refuse by its name, with a reason', () => {
    const pop = routes.get(requestCodes.POP_MESSAGE);
    expect(pop).toMatchObject({ kind: 'refused', name: 'POP_MESSAGE' });
    expect(pop).toHaveProperty('reason', 'consumption by POP is not built yet');
  });
});
