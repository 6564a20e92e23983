import type { MessageQueue } from '@nestjs-rocketmq/message';
import { ClientConfigurationError } from '../../client.errors.js';
import type { AllocationInput, AllocationStrategy } from './strategy.js';

/**
 * Only queues of brokers named `room@broker` in one of these rooms; blocks of equal size, and what
 * is left over one by one to the first members. Java's MACHINE_ROOM (its setConsumeridcs).
 */
export function machineRoom(rooms: Iterable<string>): AllocationStrategy {
  const allowed = new Set(rooms);
  const isAllowed = ({ brokerName }: MessageQueue): boolean => {
    // Java's split leaves empty parts at the end out.
    const parts = brokerName.replace(/@+$/, '').split('@');
    return parts.length === 2 && allowed.has(parts[0] as string);
  };
  return {
    name: 'MACHINE_ROOM',
    allocate: ({ clientId, queues, members }) => {
      const index = members.indexOf(clientId);
      if (index < 0) return [];
      const near = queues.filter(isAllowed);
      const block = Math.floor(near.length / members.length);
      const left = near[index + block * members.length];
      const mine = near.slice(index * block, (index + 1) * block);
      return left === undefined ? mine : [...mine, left];
    },
  };
}

/** Says in which room a broker and a client stand. Java: MachineRoomResolver. */
export interface RoomResolver {
  roomOfQueue(queue: MessageQueue): string;
  roomOfClient(clientId: string): string;
}

function grouped<T>(items: readonly T[], roomOf: (item: T) => string): Map<string, T[]> {
  const rooms = new Map<string, T[]>();
  for (const item of items) {
    const room: unknown = roomOf(item);
    if (typeof room !== 'string' || room.trim() === '') {
      throw new ClientConfigurationError(
        'The room resolver gave no room; every queue and every client must stand in one.',
        { details: { item } },
      );
    }
    const here = rooms.get(room);
    if (here === undefined) rooms.set(room, [item]);
    else here.push(item);
  }
  return rooms;
}

const byName = (a: readonly [string, unknown], b: readonly [string, unknown]): number =>
  a[0] < b[0] ? -1 : 1;

/**
 * The queues of a room are shared among the clients of that room by `inner`; those of rooms without
 * a living client among all clients. Java's MACHINE_ROOM_NEARBY. A resolver that gives no room
 * makes the round fail with a ClientConfigurationError, and the queues in hand stay.
 */
export function machineRoomNearby(
  inner: AllocationStrategy,
  resolver: RoomResolver,
): AllocationStrategy {
  return {
    name: `MACHINE_ROOM_NEARBY-${inner.name}`,
    allocate: (input: AllocationInput) => {
      const queues = grouped(input.queues, (queue) => resolver.roomOfQueue(queue));
      const members = grouped(input.members, (member) => resolver.roomOfClient(member));
      const here = resolver.roomOfClient(input.clientId);
      const mine: MessageQueue[] = [];
      const share = (some: readonly MessageQueue[], among: readonly string[]): void => {
        mine.push(...inner.allocate({ ...input, queues: some, members: among }));
      };
      const near = queues.get(here);
      if (near !== undefined) share(near, members.get(here) ?? []);
      for (const [room, far] of [...queues].sort(byName)) {
        if (room !== here && !members.has(room)) share(far, input.members);
      }
      return mine;
    },
  };
}
