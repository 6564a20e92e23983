import type { ListenerCall } from './listener-call.js';

const mebibyte = 1024 * 1024;
/** Calls shown one by one. */
const mostCalls = 100;

/**
 * What takes the place of Java's thread dump: this process, what keeps it alive, and the listener
 * calls that have not ended, the oldest first. `now`: monotonic ms.
 */
export function stackText(now: number, running: Iterable<ListenerCall>): string {
  const { heapUsed, heapTotal, rss } = process.memoryUsage();
  const mib = (bytes: number): string => `${Math.round(bytes / mebibyte)} MiB`;
  const calls = [...running].toSorted((a, b) => a.startedAt - b.startedAt);
  const lines = [
    `Node ${process.version}, pid ${process.pid}, up ${Math.round(process.uptime())} s`,
    `heap ${mib(heapUsed)} of ${mib(heapTotal)}, resident ${mib(rss)}`,
    `active: ${activeResources()}`,
    `listener calls: ${calls.length}`,
    ...calls.slice(0, mostCalls).map((call) => lineOf(call, now)),
  ];
  if (calls.length > mostCalls) lines.push(`  and ${calls.length - mostCalls} more`);
  return `${lines.join('\n')}\n`;
}

function lineOf({ queue, held, startedAt }: ListenerCall, now: number): string {
  const first = held[0]?.message.msgId ?? '';
  const { topic, brokerName, queueId } = queue;
  const since = Math.round(now - startedAt);
  return `  ${topic} ${brokerName} ${queueId}: ${held.length} from ${first}, ${since} ms`;
}

function activeResources(): string {
  const counts = new Map<string, number>();
  for (const name of process.getActiveResourcesInfo())
    counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, count]) => `${count} ${name}`).join(', ');
}
