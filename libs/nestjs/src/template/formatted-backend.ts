import type { ProducerPort } from '../client-port.js';
import type { MessageConverters } from '../converter/message-converters.js';
import type { TemplateBackend } from './template-backend.js';

/** A backend with formats of its own, on the producer of another one. */
export class FormattedBackend implements TemplateBackend {
  constructor(
    private readonly base: TemplateBackend,
    readonly converters: MessageConverters,
  ) {}

  get connection(): TemplateBackend['connection'] {
    return this.base.connection;
  }

  get delayLevels(): TemplateBackend['delayLevels'] {
    return this.base.delayLevels;
  }

  get queueSelector(): TemplateBackend['queueSelector'] {
    return this.base.queueSelector;
  }

  get transactions(): TemplateBackend['transactions'] {
    return this.base.transactions;
  }

  get interceptors(): TemplateBackend['interceptors'] {
    return this.base.interceptors;
  }

  get pulls(): NonNullable<TemplateBackend['pulls']> {
    const { pulls } = this.base;
    if (pulls === undefined)
      throw new TypeError('the backend of an application has pull consumers');
    return pulls;
  }

  get running(): ProducerPort | undefined {
    return this.base.running;
  }

  producer(): Promise<ProducerPort> {
    return this.base.producer();
  }
}
