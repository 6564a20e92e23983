import type { Scenario } from './stage.js';

const oneMinute = 60_000;

/** Nothing breaks: then nothing is repeated, stands twice, or fails. */
const calm: Scenario = {
  name: 'nothing breaks',
  load: { troubles: 0.01 },
  failsNoSend: true,
  run: async (stage) => {
    await stage.acknowledged(stage.span(3_000, 50_000));
  },
};

const killed: Scenario = {
  name: 'one of two brokers killed and restarted on the same port',
  load: { lanes: 4, troubles: 0.01 },
  failsNoSend: true,
  run: async (stage) => {
    const { cluster } = stage;
    const rounds = stage.span(1, 5);
    for (let round = 0; round < rounds; round += 1) {
      await stage.broken('broker-a killed', async () => {
        await cluster.killBroker('broker-a');
        await stage.acknowledged(stage.span(1_000, 10_000));
        await cluster.startBroker('broker-a');
      });
      await stage.acknowledged(stage.span(300, 3_000));
    }
  },
};

const moved: Scenario = {
  name: 'one of two brokers killed and restarted on another port',
  load: { lanes: 4 },
  failsNoSend: true,
  run: async (stage) => {
    const { cluster } = stage;
    await stage.broken('broker-b killed', async () => {
      await cluster.killBroker('broker-b');
      await stage.acknowledged(300);
      await cluster.startBroker('broker-b', true);
    });
    await stage.acknowledged(stage.span(1_000, 10_000));
  },
};

const stopped: Scenario = {
  name: 'a broker stands still',
  load: { lanes: 4, producer: { sendTimeout: '3s' } },
  failsNoSend: false,
  run: async (stage) => {
    await stage.broken('broker-a stopped', async () => {
      stage.cluster.freezeBroker('broker-a');
      await stage.sleep(stage.span(4_000, 30_000)).finally(() => {
        stage.cluster.thawBroker('broker-a');
      });
    });
  },
};

const nameless: Scenario = {
  name: 'all name servers gone',
  failsNoSend: true,
  run: async (stage) => {
    const { cluster } = stage;
    const work = async (): Promise<void> => {
      await cluster.killNameservers();
      await stage.sleep(stage.span(3_000, oneMinute));
      await stage.acknowledged(300);
      await cluster.startNameservers();
    };
    await stage.broken('name servers killed', work, { keepsOffsets: true });
    await cluster.hasBrokers(stage.topic, 2);
  },
};

const shrinking: Scenario = {
  name: 'a route loses a broker',
  load: { lanes: 0 },
  failsNoSend: true,
  run: async (stage) => {
    const { cluster } = stage;
    await stage.broken('broker-b not to be written', async () => {
      await cluster.permitWriting('broker-b', false);
      await cluster.hasBrokers(stage.topic, 1);
      await stage.acknowledged(stage.span(500, 20_000));
      await cluster.permitWriting('broker-b', true);
    });
    await stage.broken('broker-b stopped', async () => {
      await cluster.stopBroker('broker-b');
      await cluster.hasBrokers(stage.topic, 1);
      await stage.acknowledged(stage.span(500, 20_000));
      await cluster.startBroker('broker-b');
      await cluster.hasBrokers(stage.topic, 2);
    });
  },
};

export const serverScenarios: readonly Scenario[] = [
  calm,
  killed,
  moved,
  stopped,
  nameless,
  shrinking,
];
