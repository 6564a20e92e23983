import { rocketMQClientFactory } from '../client-factory.js';
import { RocketMQSetupError } from '../nestjs.errors.js';
import { RocketMQEvents } from '../operations/rocketmq-events.js';
import { DEFAULT_CONNECTION } from '../rocketmq.constants.js';
import { RocketMQConnections } from '../rocketmq.connections.js';
import { resolveInterceptors } from '../template/outgoing-interceptor.js';
import { RocketMQTemplate } from '../template/rocketmq.template.js';
import { Sending } from '../template/sending.js';
import type { TemplateBackend } from '../template/template-backend.js';
import { moduleOptionsOf, type RocketMQTransportOptions } from './transport-options.js';

/** The connection of a server or client of the transport. */
export class TransportLink {
  readonly events = new RocketMQEvents();
  readonly connections: RocketMQConnections;
  readonly backend: TemplateBackend;
  readonly template: RocketMQTemplate;
  readonly sending: Sending;

  constructor(options: RocketMQTransportOptions) {
    const factory = options.clients ?? rocketMQClientFactory;
    this.connections = new RocketMQConnections(moduleOptionsOf(options), factory, this.events);
    this.backend = this.connections.sender(DEFAULT_CONNECTION);
    this.template = new RocketMQTemplate(this.backend);
    this.sending = new Sending(this.backend);
  }

  /** Throws `RocketMQSetupError` when something is wrong with the options. */
  async open(): Promise<void> {
    const { connections } = this;
    const { problems, settings } = connections;
    const outside = (): never => {
      throw new TypeError('a transport has no providers; give the interceptor itself');
    };
    const interceptors = resolveInterceptors(settings.interceptors, outside, problems);
    if (problems.list.length > 0) throw new RocketMQSetupError(problems.list);
    connections.useInterceptors(interceptors);
    await connections.start();
  }

  /** Tells when servers are lost and found again. */
  onStatus(tell: (status: RocketMQStatus) => void): void {
    this.events.on('connection-lost', () => tell('disconnected'));
    this.events.on('connection-regained', () => tell('connected'));
  }

  close(): Promise<void> {
    return this.connections.close();
  }
}

/** What `status` of server and client emits. */
export type RocketMQStatus = 'connected' | 'disconnected';
