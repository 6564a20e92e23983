import { idleBrokerOptions } from '@nestjs-rocketmq/broker';
import { idleNameserverOptions } from '@nestjs-rocketmq/nameserver';
import type { AdminVersion } from './scenario.js';

/** Commands of mqadmin that the scenario does not run, and why; in groups of one reason. */
export const commandsLeftOut: readonly (readonly [why: string, names: readonly string[]])[] = [
  ['goes on for ever', ['clusterRT', 'startMonitoring']],
  ['static topics are refused by name', ['updateStaticTopic', 'remappingStaticTopic']],
  ['RocksDB is refused by name', ['checkRocksdbCqWriteProgress', 'rocksDBConfigToJson']],
  [
    'replication and controllers are refused by name',
    [
      'haStatus',
      'resetMasterFlushOffset',
      'getBrokerEpoch',
      'getSyncStateSet',
      'getControllerMetaData',
      'getControllerConfig',
      'updateControllerConfig',
      'electMaster',
      'cleanBrokerMetadata',
    ],
  ],
  ['broker containers are refused by name', ['addBroker', 'removeBroker']],
  [
    'the control of cold data is refused by name',
    [
      'getColdDataFlowCtrInfo',
      'updateColdDataFlowCtrGroupConfig',
      'removeColdDataFlowCtrGroupConfig',
      'setCommitLogReadAheadMode',
    ],
  ],
  ['POP is refused by name', ['setConsumeMode', 'exportPopRecord']],
  ['timers are refused by name', ['switchTimerEngine']],
  [
    'lite topics of 5.5.0 are refused by name',
    [
      'getBrokerLiteInfo',
      'getParentTopicInfo',
      'getLiteTopicInfo',
      'getLiteClientInfo',
      'getLiteGroupInfo',
      'triggerLiteDispatch',
    ],
  ],
  [
    'access control is refused by name',
    [
      'createUser',
      'updateUser',
      'deleteUser',
      'getUser',
      'listUser',
      'copyUser',
      'createAcl',
      'updateAcl',
      'deleteAcl',
      'getAcl',
      'listAcl',
      'copyAcl',
    ],
  ],
  ['reads local files and asks no server', ['dumpCompactionLog', 'exportMetadataInRocksDB']],
  [
    'gathers into files what other commands of the scenario print',
    ['exportMetadata', 'exportConfigs', 'exportMetrics'],
  ],
];

export interface Difference {
  /** The command lines that it shows in. */
  readonly commands: RegExp;
  /** Lines that one side has and the other has not, or has otherwise. */
  readonly lines: RegExp;
  readonly why: string;
  readonly versions?: readonly AdminVersion[];
}

/** Any of these beginnings, as patterns. */
function startsWith(...patterns: readonly string[]): RegExp {
  return new RegExp(`^(?:${patterns.join('|')})`);
}

function namesOf(names: Iterable<string>): RegExp {
  return new RegExp(`^(${[...names].join('|')}) =`);
}

/** What prints differently about our servers, on purpose; docs/differences.md says the same. */
export const differences: readonly Difference[] = [
  {
    commands: /^(topicList -c|statsAll|queryMsgBy|queryMsgById)/,
    lines: startsWith(
      'MessageTrack \\[consumerGroup=(AdminTopic|g-admin)',
      'AdminTopic AdminTopic ',
      'DefaultCluster AdminTopic AdminTopic$',
    ),
    why:
      "5.3.3 counts the group of mqadmin's own pull, which is named like the topic, as a consumer, " +
      'and gives up when it does not find it',
    versions: ['5.3.3'],
  },
  {
    commands: /^topicList/,
    lines: /RMQ_SYS_ROCKSDB_/,
    why: '5.5.0 has topics for transactions in RocksDB',
    versions: ['5.5.0'],
  },
  {
    commands: /^(wipe|add)WritePerm/,
    lines: /write perm of broker\[broker-a\] in name server/,
    why: '5.5.0 has topics for transactions in RocksDB, and so some more in the count',
    versions: ['5.5.0'],
  },
  {
    commands: /^(clusterList$|brokerStatus)/,
    lines: /V5_\d_\d|brokerVersion /,
    why: 'our servers call themselves 5.3.3',
    versions: ['5.5.0'],
  },
  {
    commands: /^brokerStatus/,
    lines: /getTransferedTps/,
    why: 'the key as 4.9 spells it is there too',
  },
  {
    commands: /^update(Topic|SubGroup) .*not a name/,
    lines: /./,
    why: 'names are refused in our words; 5.3.3 takes any name for a group',
  },
  {
    commands: /^getBrokerConfig/,
    lines: namesOf(idleBrokerOptions.names),
    why: 'settings without a meaning here are accepted and not listed',
  },
  {
    commands: /^getNamesrvConfig/,
    lines: namesOf(idleNameserverOptions.names),
    why: 'settings without a meaning here are accepted and not listed',
  },
  {
    commands: /^getBrokerConfig/,
    lines: namesOf([
      'brokerConfigPath',
      'flushCommitLogBytes',
      'enableTopicMessageTypeCheck',
      'logDir',
      'logFileBytes',
      'logFilePieces',
      'logLevel',
    ]),
    why: 'settings of ours, or that Java has elsewhere',
  },
  {
    commands: /^getNamesrvConfig/,
    lines: namesOf([
      'logDir',
      'logFileBytes',
      'logFilePieces',
      'logLevel',
      'metricsExporterType',
      'metricsPromExporterHost',
      'metricsPromExporterPort',
    ]),
    why: 'logs and metrics of our nameserver',
  },
  {
    commands: /^getBrokerConfig/,
    lines: namesOf([
      'enableSplitMetadata',
      'enableConnectionMetrics',
      'enableLagAndDlqMetrics',
      'enableMessageStoreMetrics',
      'enableRemotingMetrics',
      'enableRequestMetrics',
      'enableStatsMetrics',
      'enableTransactionMetrics',
      'splitMetadataSize',
      'indexFileReadEnable',
      'indexFileWriteEnable',
    ]),
    why: 'settings of 5.5.0 that our broker has too',
    versions: ['5.3.3'],
  },
  {
    commands: /^consumerStatus/,
    lines: /^mqClientApiTimeout/,
    why: 'the consumer that is looked at gives its calls a minute since the official output was recorded',
  },
  {
    commands: /^getBrokerConfig/,
    lines: namesOf(['inSyncReplicas']),
    why: '2 here, so that a SYNC_MASTER says that no slave has the message',
  },
  {
    commands: /^getBrokerConfig .*\(2\)/,
    lines: namesOf(['defaultTopicQueueNums']),
    why: 'a setting that needs a restart is shown with the value in force',
  },
  {
    commands: /^getNamesrvConfig/,
    lines: namesOf(['configBlackList', 'kvConfigPath']),
    why: 'settings that must not change by request are always in the list; another home folder',
  },
  {
    commands: /^updateBrokerConfig .*brokerConfigPath/,
    lines: /^CODE: 16 DESC: Can not update config in black list/,
    why: 'the refusal names the setting',
  },
  {
    commands: /^updateNamesrvConfig .*noSuchSetting/,
    lines: /./,
    why: 'unknown settings are refused instead of ignored',
  },
];

/** Tables that Java keeps by hash: their lines come in some order. */
export const unordered = startsWith(
  'topicList',
  'consumerProgress$',
  'consumerProgress \\(',
  'producer ',
  'brokerConsumeStats',
  'resetOffset',
  'skipAcc',
  'getNamesrvConfig',
  'getBrokerConfig',
  'statsAll',
  'brokerStatus',
  'consumerStatus -g g-admin -i',
  'printMsg ',
);
