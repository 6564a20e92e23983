// The same work as a listener of the client and as decorated handlers: take an order, note it.
import { UseGuards, UsePipes, ValidationPipe } from '@nestjs/common';
import { IsArray, IsInt, IsString } from 'class-validator';
import { MessagePayload, RawMessage, RocketMQListener } from 'nestjs-rocketmq';

const done = { kind: 'success' };
const decoder = new TextDecoder();

class Order {}
decorate(Order.prototype, 'id', [IsString()]);
decorate(Order.prototype, 'sum', [IsInt()]);
decorate(Order.prototype, 'customer', [IsString()]);
decorate(Order.prototype, 'items', [IsArray()]);

/** Plain JavaScript has no syntax for decorators yet; they are functions. */
function decorate(target, key, decorators) {
  for (const one of decorators) one(target, key);
}

class Pass {
  canActivate() {
    return true;
  }
}

const guarded = UseGuards(new Pass());
const validated = UsePipes(new ValidationPipe());

/** What is measured, in this order; `json` is the handler that P17 is about. */
export const variants = ['raw', 'rawJson', 'message', 'json', 'async', 'guard', 'validation'];

function handlerOf({ topic, group, parameter, decorators = [], types, body }) {
  const Handler = class {
    on(value) {
      return body(value);
    }
  };
  const descriptor = Object.getOwnPropertyDescriptor(Handler.prototype, 'on');
  RocketMQListener({ topic, group })(Handler.prototype, 'on', descriptor);
  parameter(Handler.prototype, 'on', 0);
  for (const one of decorators) one(Handler.prototype, 'on', descriptor);
  Reflect.defineMetadata('design:paramtypes', types ?? [Object], Handler.prototype, 'on');
  return Handler;
}

/** `note(order)` is told of every message. */
export function handlerClasses({ topic, group, note }) {
  const json = { topic, group, parameter: MessagePayload(), body: note };
  return {
    raw: {
      raw: ([message]) => {
        note(message);
        return done;
      },
    },
    rawJson: {
      raw: ([message]) => {
        note(JSON.parse(decoder.decode(message.body)));
        return done;
      },
    },
    message: { handler: handlerOf({ ...json, parameter: RawMessage() }) },
    json: { handler: handlerOf(json) },
    async: { handler: handlerOf({ ...json, body: async (order) => note(order) }) },
    guard: { handler: handlerOf({ ...json, decorators: [guarded] }) },
    validation: {
      handler: handlerOf({ ...json, decorators: [guarded, validated], types: [Order] }),
    },
  };
}
