import { messageOf } from './errors.js';
import { StatusPortError } from './foundation.errors.js';
import type { Resource } from './lifecycle.js';

/** What a page says; `isWell` false makes it a 503. */
export interface StatusPage {
  readonly text: string;
  readonly isWell: boolean;
}

export interface StatusServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** By path. */
  readonly pages: Readonly<Record<string, () => StatusPage>>;
}

export interface StatusServer extends Resource {
  readonly port: number;
}

/** Bodies are texts in the form that Prometheus wants. */
const contentType = 'text/plain; version=0.0.4; charset=utf-8';

/** A page of everything that must be true, one line each; well when all of it is. */
export function checkPage(checks: Readonly<Record<string, boolean>>): StatusPage {
  const lines = Object.entries(checks).map(([what, isTrue]) => `${isTrue ? 'ok' : 'NO'} ${what}\n`);
  return { text: lines.join(''), isWell: Object.values(checks).every(Boolean) };
}

/**
 * A few pages over HTTP for those who watch a server. HTTP is loaded here, when it is first wanted.
 * Rejects with `StatusPortError` when the port cannot be taken.
 */
export async function openStatusServer(options: StatusServerOptions): Promise<StatusServer> {
  const { createServer } = await import('node:http');
  const server = createServer((request, response) => {
    const path = (request.url ?? '').split('?')[0] ?? '';
    const page = Object.hasOwn(options.pages, path) ? options.pages[path] : undefined;
    let status = 404;
    let text = `There is ${Object.keys(options.pages).join(', ')}.\n`;
    try {
      const made = page?.();
      if (made !== undefined) [status, text] = [made.isWell ? 200 : 503, made.text];
    } catch (error) {
      [status, text] = [500, `${messageOf(error)}\n`];
    }
    response.writeHead(status, { 'Content-Type': contentType, Connection: 'close' }).end(text);
  });
  const { host, port } = options;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(
        new StatusPortError(`Port ${port} for metrics cannot be taken: ${messageOf(error)}.`, {
          cause: error,
          details: { host, port },
        }),
      ),
    );
    server.listen(port, host, () => resolve());
  });
  return {
    port: (server.address() as { port: number }).port,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
