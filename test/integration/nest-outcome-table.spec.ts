import { startEmbedded } from '../support/nest-on-embedded.js';
import { describeOutcomes } from '../support/outcome-table.js';

const levels = Array.from({ length: 18 }, () => '1s').join(' ');

describeOutcomes('our broker', async () => {
  const embedded = await startEmbedded([], { messageDelayLevel: levels });
  const { nameServers, brokerAddress, dir } = embedded;
  return { nameServers, brokerAddress, dir, close: () => embedded.close() };
});
