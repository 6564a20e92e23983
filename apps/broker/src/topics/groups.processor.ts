import type { Clock } from '@nestjs-rocketmq/foundation';
import { groupNameProblem } from '@nestjs-rocketmq/message';
import {
  type Asked,
  type DeleteSubscriptiongroup,
  type GetAllSubscriptiongroupConfig,
  type GetSubscriptiongroupConfig,
  ResponseCode,
  ResponseError,
  type SubscriptionGroupConfig,
  type UpdateAndCreateSubscriptiongroup,
  type UpdateAndGetGroupForbidden,
} from '@nestjs-rocketmq/protocol';
import type { Call, Outcome } from '@nestjs-rocketmq/remoting';
import type { Figures } from '../admin/figures.js';
import type { ConsumerOffsets } from '../offsets/consumer-offsets.js';
import type { GroupTable } from './group-table.js';
import { timed } from './timed.js';
import { pageOf, type PageOptions } from './metadata-page.js';

/** What operators do to consumer groups. */
export class GroupsProcessor {
  constructor(
    private readonly groups: GroupTable,
    private readonly offsets: ConsumerOffsets,
    private readonly figures: Figures,
    private readonly options: PageOptions,
    private readonly clock: Clock,
  ) {}

  update(_: unknown, call: Pick<Call<typeof UpdateAndCreateSubscriptiongroup>, 'body'>): void {
    this.timed(() => this.groups.update(this.checked(call.body)));
  }

  updateList(
    _: unknown,
    call: { body: { groupConfigList: readonly SubscriptionGroupConfig[] } },
  ): void {
    this.timed(() => {
      const configs = call.body.groupConfigList.map((config) => this.checked(config));
      for (const config of configs) this.groups.update(config);
    });
  }

  delete(asked: Asked<typeof DeleteSubscriptiongroup>): void {
    this.groups.delete(asked.groupName);
    this.figures.forgetGroup(asked.groupName);
    if (asked.cleanOffset) this.offsets.forgetGroup(asked.groupName);
  }

  get(asked: Asked<typeof GetSubscriptiongroupConfig>): Outcome<typeof GetSubscriptiongroupConfig> {
    const config = this.groups.get(asked.group);
    if (config !== undefined) return { body: config };
    throw new ResponseError(
      ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST,
      `No group in this broker. group: ${asked.group}`,
    );
  }

  /** Everything, or the page that a caller of 5.5 asks for. */
  all(
    asked: Asked<typeof GetAllSubscriptiongroupConfig>,
  ): Outcome<typeof GetAllSubscriptiongroupConfig> {
    const { groupSeq: from, maxGroupNum: most, dataVersion: version } = asked;
    const { dataVersion, forbiddenTable, subscriptionGroupTable } = this.groups.toJSON();
    const wish = { from, most, version };
    const page = pageOf(subscriptionGroupTable, dataVersion, wish, this.options);
    const forbidden = Object.entries(forbiddenTable).filter(([group]) => group in page);
    return {
      header: { totalGroupNum: Object.keys(subscriptionGroupTable).length },
      body: {
        dataVersion,
        forbiddenTable: Object.fromEntries(forbidden),
        subscriptionGroupTable: page,
      },
    };
  }

  /** Takes the right to read a topic from a group, or gives it back; without a wish, only tells. */
  forbid(
    asked: Asked<typeof UpdateAndGetGroupForbidden>,
  ): Outcome<typeof UpdateAndGetGroupForbidden> {
    const { group, topic, readable } = asked;
    if (readable !== undefined) this.groups.setReadable(group, topic, readable);
    return { remark: '', body: { group, readable: this.groups.mayRead(group, topic), topic } };
  }

  /** Groups have no attributes that could be changed; those they have stay. */
  private timed(task: () => void): void {
    timed(this.clock, this.figures.creations.group, task);
  }

  private checked(config: SubscriptionGroupConfig): SubscriptionGroupConfig {
    const problem = groupNameProblem(config.groupName);
    if (problem !== undefined) throw new ResponseError(ResponseCode.INVALID_PARAMETER, problem);
    const [word] = Object.keys(config.attributes);
    if (word !== undefined) {
      const remark = `unsupported key: ${word.replace(/^[+-]/, '')}`;
      throw new ResponseError(ResponseCode.SYSTEM_ERROR, remark);
    }
    return { ...config, attributes: this.groups.get(config.groupName)?.attributes ?? {} };
  }
}
