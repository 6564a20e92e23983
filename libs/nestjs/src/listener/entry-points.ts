import { Inject, Injectable } from '@nestjs/common';
import { SerializedGraph } from '@nestjs/core';
import type { ListenerPlan } from './listener-plan.js';

/** Shows listeners in the graph that Nest Devtools draw: as entry points of their classes. */
@Injectable()
export class EntryPoints {
  constructor(@Inject(SerializedGraph) private readonly graph: SerializedGraph) {}

  /** Does nothing unless the application was made with `snapshot: true`: the graph is empty then. */
  add({ id, found, group, mode, model, subscriptions, connection }: ListenerPlan): void {
    if (found === undefined) return;
    const { host, method } = found;
    const { nodeId, classRef } = host;
    if (this.graph.getNodeById(nodeId) === undefined) return;
    const topics = subscriptions.map(({ topic }) => topic);
    const metadata = {
      key: `${group}: ${topics.join(', ')}`,
      listener: id,
      connection: connection.settings.name,
      group,
      topics,
      mode,
      model,
    };
    this.graph.insertEntrypoint(
      {
        id: `${nodeId}_${found.name}`,
        type: 'rocketmq',
        methodName: method,
        className: classRef.name,
        classNodeId: nodeId,
        metadata,
      },
      nodeId,
    );
  }
}
