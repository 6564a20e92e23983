import { StatusPortError } from './foundation.errors.js';
import { checkPage, openStatusServer } from './status-server.js';

describe('openStatusServer', () => {
  it('serves its pages, says what is not well, and knows no others', async () => {
    let isReady = false;
    const server = await openStatusServer({
      host: '127.0.0.1',
      port: 0,
      pages: {
        '/healthz': () => checkPage({ alive: true }),
        '/readyz': () => checkPage({ alive: true, registered: isReady }),
        '/broken': () => {
          throw new Error('broken');
        },
      },
    });
    const get = async (path: string): Promise<[number, string]> => {
      const answer = await fetch(`http://127.0.0.1:${server.port}${path}`);
      return [answer.status, await answer.text()];
    };
    try {
      expect(await get('/healthz')).toEqual([200, 'ok alive\n']);
      expect(await get('/readyz?x=1')).toEqual([503, 'ok alive\nNO registered\n']);
      isReady = true;
      expect(await get('/readyz')).toEqual([200, 'ok alive\nok registered\n']);
      expect(await get('/broken')).toEqual([500, 'broken\n']);
      expect((await get('/'))[0]).toBe(404);
      const second = openStatusServer({ host: '127.0.0.1', port: server.port, pages: {} });
      await expect(second).rejects.toThrow(StatusPortError);
    } finally {
      await server.close();
    }
  });
});
