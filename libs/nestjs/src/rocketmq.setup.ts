import { Inject, Injectable, Logger } from '@nestjs/common';
import { ModuleRef, ModulesContainer } from '@nestjs/core';
import { HandlerInvokers } from './listener/handler-invoker.js';
import { ListenerContainer } from './listener/listener-container.js';
import type { ListenerPlan } from './listener/listener-plan.js';
import { ListenerPlanner } from './listener/listener-planner.js';
import { RocketMQListenerRegistry } from './listener/listener-registry.js';
import { checkTogether } from './listener/plan-checks.js';
import { RocketMQExplorer, type FoundListener } from './listener/rocketmq.explorer.js';
import { RocketMQSetupError } from './nestjs.errors.js';
import { EventBinder } from './operations/event-binder.js';
import type { Problems } from './options/problems.js';
import type { SettingSource } from './options/setting.js';
import { ValueResolver } from './options/value-resolver.js';
import { RocketMQConnections } from './rocketmq.connections.js';
import { resolveInterceptors } from './template/outgoing-interceptor.js';
import {
  TransactionPlanner,
  checkPromised,
  type TransactionPlan,
} from './transaction/transaction-planner.js';

/** Finds, checks and prepares everything before the first connection opens. */
@Injectable()
export class RocketMQSetup {
  private readonly logger = new Logger('RocketMQ');

  constructor(
    @Inject(RocketMQConnections) private readonly connections: RocketMQConnections,
    @Inject(RocketMQExplorer) private readonly explorer: RocketMQExplorer,
    @Inject(RocketMQListenerRegistry) private readonly registry: RocketMQListenerRegistry,
    @Inject(HandlerInvokers) private readonly invokers: HandlerInvokers,
    @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
    @Inject(EventBinder) private readonly binder: EventBinder,
  ) {}

  /**
   * Throws `RocketMQSetupError` with every problem of options, listeners and transaction listeners;
   * nothing has been opened then. `core` is the class of the core module, which must be there once.
   */
  prepare(core: unknown): void {
    const { problems } = this.connections;
    this.checkOnce(core, problems);
    const values = new ValueResolver(this.settingSource(), problems);
    const listeners = this.planListeners(values, problems);
    const transactions = this.planTransactions(values, problems);
    this.binder.bind(this.connections.names, problems);
    const interceptors = resolveInterceptors(
      this.connections.settings.interceptors,
      (token) => this.moduleRef.get(token, { strict: false }),
      problems,
    );
    if (problems.list.length > 0) throw new RocketMQSetupError(problems.list);
    this.connections.useInterceptors(interceptors);
    for (const { connection, host } of transactions) connection.transactions.add(host);
    for (const plan of listeners) this.register(plan);
  }

  private checkOnce(core: unknown, problems: Problems): void {
    const count = [...this.modules.values()].filter(({ metatype }) => metatype === core).length;
    if (count < 2) return;
    problems.add(
      'ROCKETMQ_MODULE_TWICE',
      `RocketMQModule.forRoot stands ${count} times in this application; import it once and ` +
        `describe further clusters under 'connections'`,
    );
  }

  private settingSource(): SettingSource {
    const { resolveValue } = this.connections.settings;
    const config = this.explorer.configService();
    return {
      get: (name) => (resolveValue === undefined ? config?.get(name) : resolveValue(name)),
      resolve: (token) => this.moduleRef.get(token as never, { strict: false }),
    };
  }

  private planListeners(values: ValueResolver, problems: Problems): ListenerPlan[] {
    const planner = new ListenerPlanner(this.connections, values, problems);
    const found = this.explorer.listeners();
    const plans = found.map((listener) => planner.plan(listener));
    const usable = plans.filter((plan) => plan !== undefined);
    checkTogether(usable, problems);
    return usable;
  }

  private planTransactions(values: ValueResolver, problems: Problems): TransactionPlan[] {
    const planner = new TransactionPlanner(this.connections, values, problems);
    const found = this.explorer.transactionListeners();
    const plans = found.map((listener) => planner.plan(listener));
    const usable = plans.filter((plan) => plan !== undefined);
    // One that is too wrong to be used was reported; its topics would only be reported again.
    if (usable.length === found.length) checkPromised(this.connections, usable, problems);
    return usable;
  }

  private register(plan: ListenerPlan): void {
    this.warnOfScope(plan.found);
    const { converters, clock } = this.connections.settings;
    const invoker = this.invokers.create(plan.found);
    this.registry.add(new ListenerContainer(plan, invoker, converters, clock));
  }

  private warnOfScope(found: FoundListener): void {
    if (found.host.singleton !== undefined) return;
    this.logger.warn(
      `${found.name} belongs to a request-scoped or transient class: Nest makes a new one for ` +
        'every message, which costs time.',
    );
  }
}
