import { type RunningBroker, startBroker } from '@nestjs-rocketmq/broker';
import { silentLogger } from '@nestjs-rocketmq/foundation';
import { LoopbackNetwork } from '@nestjs-rocketmq/remoting/testing';
import { FaultyFileSystem } from '@nestjs-rocketmq/store/testing';

const tables = [
  'topics.json',
  'subscriptionGroup.json',
  'consumerOffset.json',
  'delayOffset.json',
  'consumerFilter.json',
  'transactionCheckCounts.json',
  'deletedTopics.json',
];

function start(fileSystem: FaultyFileSystem): Promise<RunningBroker> {
  return startBroker({
    dir: '/store',
    properties: { listenPort: 10_911, bindAddress: '127.0.0.1', brokerIP1: '127.0.0.1' },
    fileSystem,
    network: new LoopbackNetwork(),
    logger: silentLogger,
  });
}

describe('a broker whose table is broken', () => {
  it.each(tables)('does not start without it: %s', async (name) => {
    const disk = new FaultyFileSystem(1);
    const path = `/store/config/${name}`;
    disk.writeText(path, '{"table":');
    disk.writeText(`${path}.bak`, '');
    await expect(start(disk)).rejects.toThrow(new RegExp(`Neither .*${name} nor its .bak`));
    expect(disk.readText(path)).toBe('{"table":');
    // With the one from before it does; and so it does when an operator has removed both.
    disk.writeText(`${path}.bak`, '{}');
    await (await start(disk)).close();
    disk.remove(path);
    disk.remove(`${path}.bak`);
    await (await start(disk)).close();
  });
});
