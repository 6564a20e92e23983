import { Inject, Injectable } from '@nestjs/common';
import { ModuleRef, ModulesContainer } from '@nestjs/core';
import { EntryPoints } from './listener/entry-points.js';
import { HandlerEnhancers } from './listener/handler-enhancers.js';
import { HandlerInvokers, type Invoker } from './listener/handler-invoker.js';
import { ListenerContainer } from './listener/listener-container.js';
import type { ListenerPlan } from './listener/listener-plan.js';
import { ListenerPlanner, sourceOf } from './listener/listener-planner.js';
import { RocketMQListenerRegistry, type AddedListener } from './listener/listener-registry.js';
import { checkLostClass } from './listener/payload-checks.js';
import { checkTogether, groupKey } from './listener/plan-checks.js';
import { RocketMQExplorer } from './listener/rocketmq.explorer.js';
import { RocketMQSetupError } from './nestjs.errors.js';
import { EventBinder } from './operations/event-binder.js';
import { Problems } from './options/problems.js';
import type { SettingSource } from './options/setting.js';
import { ValueResolver } from './options/value-resolver.js';
import { readReply } from './reply/reply-planner.js';
import { Replier, type ReplySettings } from './reply/replying-invoker.js';
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
  private readonly replies = new Map<string, ReplySettings>();

  constructor(
    @Inject(RocketMQConnections) private readonly connections: RocketMQConnections,
    @Inject(RocketMQExplorer) private readonly explorer: RocketMQExplorer,
    @Inject(RocketMQListenerRegistry) private readonly registry: RocketMQListenerRegistry,
    @Inject(HandlerInvokers) private readonly invokers: HandlerInvokers,
    @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
    @Inject(EventBinder) private readonly binder: EventBinder,
    @Inject(EntryPoints) private readonly entryPoints: EntryPoints,
    @Inject(HandlerEnhancers) private readonly enhancers: HandlerEnhancers,
  ) {}

  /**
   * Throws `RocketMQSetupError` with every problem of options, listeners and transaction listeners;
   * nothing has been opened then. `core` is the class of the core module, which must be there once.
   */
  prepare(core: unknown): void {
    const { problems } = this.connections;
    this.checkOnce(core, problems);
    // What is wrong already would only be said twice.
    if (problems.list.length === 0) this.connections.all.forEach((one) => one.check(problems));
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
    for (const plan of listeners) this.entryPoints.add(plan);
    const containers = listeners.map((plan) => this.container(plan));
    const { clock } = this.connections.settings;
    this.registry.register(containers, clock, (added, others) => this.added(added, others));
    for (const connection of this.connections.all) {
      connection.pulls.heed((group) => this.registry.ownerOf(groupKey(connection, group)));
    }
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
    const plans = found.map((listener) => planner.plan(sourceOf(listener)));
    planner.finish();
    const usable = plans.filter((plan) => plan !== undefined);
    checkTogether(usable, this.connections.all, problems);
    for (const plan of usable) {
      this.planReply(plan, values, problems);
      if (plan.found === undefined) continue;
      checkLostClass(sourceOf(plan.found).where, plan.found, this.enhancers, problems);
    }
    return usable;
  }

  private planReply(plan: ListenerPlan, values: ValueResolver, problems: Problems): void {
    const reply = plan.found?.reply;
    if (reply === undefined) return;
    this.replies.set(plan.id, readReply(reply, plan, plan.converters, values, problems));
  }

  /** A reply listener sends what its handler returns. */
  private replying(plan: ListenerPlan, invoker: Invoker): Invoker {
    const reply = this.replies.get(plan.id);
    if (reply === undefined) return invoker;
    const backend = this.connections.sender(plan.connection.settings.name);
    return new Replier(plan.id, reply, plan.converters, backend).around(invoker);
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

  private container(plan: ListenerPlan): ListenerContainer {
    const { found } = plan;
    if (found === undefined) throw new TypeError(`${plan.name} has no method to call`);
    const invoker = this.replying(plan, this.invokers.create(found));
    return new ListenerContainer(plan, invoker, plan.converters);
  }

  /** A listener that is added while the application runs. */
  private added(
    { handler, ...options }: AddedListener<never>,
    others: readonly ListenerPlan[],
  ): ListenerContainer {
    const problems = new Problems();
    const values = new ValueResolver(this.settingSource(), problems);
    const planner = new ListenerPlanner(this.connections, values, problems);
    const name = String(options.id);
    const where = `Listener '${name}' (RocketMQListenerRegistry.add)`;
    if (typeof options.id !== 'string' || typeof handler !== 'function') {
      const sentence = `${where}: 'id' must be a text and 'handler' a function`;
      problems.add('ROCKETMQ_OPTION_INVALID', sentence);
    }
    const plan = planner.plan({ name, where, options, found: undefined });
    if (plan !== undefined) checkTogether([...others, plan], this.connections.all, problems);
    if (plan === undefined || problems.list.length > 0) throw new RocketMQSetupError(problems.list);
    const invoker: Invoker = { target: 'any', invoke: handler as Invoker['invoke'] };
    return new ListenerContainer(plan, invoker, plan.converters);
  }
}
