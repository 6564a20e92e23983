import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DynamicModule, INestApplication } from '@nestjs/common';
import { nodeFileSystem } from '@nestjs-rocketmq/embedded';
import { AppModule } from '../app.module.js';
import { setUpHttp } from '../app-setup.js';
import { readSettings } from '../settings.js';
import { putEmptyDatabase } from './empty-database.js';
import { MemoryCluster } from './memory-cluster.js';

export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** The whole service on a broker in memory; nothing moves before a spec says so. */
export class SampleApp {
  private constructor(
    readonly app: INestApplication,
    readonly cluster: MemoryCluster,
    private readonly url: string,
    private readonly folder: string,
  ) {}

  /**
   * @param create makes the application of a module, with the cluster in the client's place.
   * @param databaseUrl an empty database of a PostgreSQL server; else the embedded one.
   */
  static async start(
    create: (module: DynamicModule, cluster: MemoryCluster) => Promise<INestApplication>,
    databaseUrl: string | undefined,
  ): Promise<SampleApp> {
    const folder = join(tmpdir(), `sample-${randomUUID()}`);
    const settings = readSettings({
      PORT: '0',
      DATA_DIR: folder,
      DATABASE_URL: databaseUrl,
      LIVENESS_BOUND: '0ms',
      PAYMENT_TIME_LIMIT: '1h',
      LOCAL_DEADLINE: '60s',
      LEASE_TIMEOUT: '60s',
      GATEWAY_RETRY: '1h',
      RECONCILE_AFTER: '1h',
      OUTBOX_RETRY: '1h',
    });
    if (databaseUrl === undefined) await putEmptyDatabase(join(folder, 'database'));
    const cluster = new MemoryCluster();
    const app = await create(AppModule.with(settings, 'memory:9876'), cluster);
    setUpHttp(app);
    await app.listen(0, '127.0.0.1');
    // a spec may be busy with messages for longer than the server keeps a connection
    (app.getHttpServer() as { keepAliveTimeout: number }).keepAliveTimeout = 0;
    return new SampleApp(app, cluster, await app.getUrl(), folder);
  }

  async close(): Promise<void> {
    await this.app.close();
    nodeFileSystem.remove(this.folder);
  }

  async get(path: string): Promise<Answer> {
    return answer(await fetch(`${this.url}${path}`));
  }

  async post(
    path: string,
    body: unknown = {},
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const response = await fetch(`${this.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    return answer(response);
  }

  /** Places an order and answers with its id. */
  async placed(key: string, items?: { sku: string; quantity: number }[]): Promise<string> {
    const { status, body } = await this.place(key, items);
    if (status !== 201) throw new Error(`The order was not placed: ${JSON.stringify(body)}`);
    return String(body['orderId']);
  }

  /** The payer pays an order at the gateway. */
  async pay(orderId: string, outcome = 'ok'): Promise<Answer> {
    const { body } = await this.post(`/api/orders/${orderId}/pay`);
    return this.post(`/gateway/pay/${String(body['payId'])}?outcome=${outcome}`);
  }

  /** The books, in full and at once. */
  async violations(): Promise<string[]> {
    const { body } = await this.get('/api/check?mode=full');
    const rows = body['rows'] as { id: string; offending: string[] }[];
    return rows.filter((row) => row.offending.length > 0).map((row) => row.id);
  }

  place(key: string, items = [{ sku: 'tea-green', quantity: 2 }], userId = 'ada') {
    return this.post('/api/orders', { userId, items }, { 'idempotency-key': key });
  }
}

async function answer(response: Response): Promise<Answer> {
  return { status: response.status, body: (await response.json()) as Answer['body'] };
}
