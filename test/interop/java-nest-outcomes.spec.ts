import { rmSync } from 'node:fs';
import { prepareJava, startJavaServers, temporaryFolder } from '../support/java.js';
import { describeOutcomes } from '../support/outcome-table.js';

const levels = Array.from({ length: 18 }, () => '1s').join(' ');

describeOutcomes('an official broker 5.3.3', async () => {
  prepareJava();
  const properties = { messageDelayLevel: levels };
  const java = await startJavaServers('5.3.3', { properties });
  const dir = temporaryFolder('nest-outcomes');
  const close = async (): Promise<void> => {
    await java.close();
    rmSync(dir, { recursive: true, force: true });
  };
  return { nameServers: java.nameServers, brokerAddress: java.broker.address, dir, close };
});
