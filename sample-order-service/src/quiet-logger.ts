import { ConsoleLogger } from '@nestjs/common';

/** Contexts whose ordinary lines say how the application is put together, not what it does. */
const CHATTY = ['InstanceLoader', 'RoutesResolver', 'RouterExplorer', 'NestFactory'];

/** Prints what happens to orders; how Nest and the client set themselves up only from warnings on. */
export class QuietLogger extends ConsoleLogger {
  override log(message: unknown, ...rest: unknown[]): void {
    const context = rest.at(-1);
    if (typeof context === 'string' && isChatty(context)) return;
    super.log(message, ...rest);
  }
}

function isChatty(context: string): boolean {
  return CHATTY.includes(context) || context.startsWith('RocketMQ:Client');
}
