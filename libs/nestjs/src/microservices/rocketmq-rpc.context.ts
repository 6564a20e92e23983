import { BaseRpcContext } from '@nestjs/microservices';
import type { StoredMessage } from '@nestjs-rocketmq/message';
import type { RocketMQContext } from '../rocketmq.context.js';

/** What `@Ctx()` gives in a handler of the transport. */
export class RocketMQRpcContext extends BaseRpcContext<[RocketMQContext, string]> {
  /** Topic, tag, keys, tries, signal and the rest, as in a `@RocketMQListener`. */
  getContext(): RocketMQContext {
    return this.args[0];
  }

  /** The pattern of the handler: `topic` or `topic:tag`. */
  getPattern(): string {
    return this.args[1];
  }

  /** The message as the broker delivered it. */
  getMessage(): StoredMessage {
    return this.args[0].message;
  }

  /** The properties of the message; what the client's `setOnDispatchHook` attached is among them. */
  getProperties(): Readonly<Record<string, string>> {
    return this.args[0].properties;
  }
}
