import { kvTable } from '../bodies/config-tables.js';
import { json, plainText } from '../command/body-codec.js';
import { defineCommand } from '../command/define-command.js';
import { text } from '../command/header-schema.js';

/** Changes settings of a running broker; the body is lines `key=value` of a properties file. */
export const UpdateBrokerConfig = defineCommand({
  code: 25,
  name: 'UPDATE_BROKER_CONFIG',
  needs: 'update',
  askBody: plainText(),
  outcomes: ['SUCCESS'],
});

/** All settings of a broker as lines `key=value`. */
export const GetBrokerConfig = defineCommand({
  code: 26,
  name: 'GET_BROKER_CONFIG',
  needs: 'read',
  /** JSON of the data version of the settings. */
  answers: { version: text() },
  answerBody: plainText(),
  outcomes: ['SUCCESS'],
});

/** Figures of a broker, all texts. */
export const GetBrokerRuntimeInfo = defineCommand({
  code: 28,
  name: 'GET_BROKER_RUNTIME_INFO',
  needs: 'read',
  answerBody: json(kvTable),
  outcomes: ['SUCCESS'],
});

export const PutKvConfig = defineCommand({
  code: 100,
  name: 'PUT_KV_CONFIG',
  needs: 'update',
  asks: { namespace: text(), key: text(), value: text() },
  outcomes: ['SUCCESS'],
});

export const GetKvConfig = defineCommand({
  code: 101,
  name: 'GET_KV_CONFIG',
  needs: 'read',
  asks: { namespace: text(), key: text() },
  answers: { value: text() },
  outcomes: ['SUCCESS', 'QUERY_NOT_FOUND'],
});

export const DeleteKvConfig = defineCommand({
  code: 102,
  name: 'DELETE_KV_CONFIG',
  needs: 'delete',
  asks: { namespace: text(), key: text() },
  outcomes: ['SUCCESS'],
});

export const GetKvlistByNamespace = defineCommand({
  code: 219,
  name: 'GET_KVLIST_BY_NAMESPACE',
  needs: 'read',
  asks: { namespace: text() },
  answerBody: json(kvTable),
  outcomes: ['SUCCESS', 'QUERY_NOT_FOUND'],
});

/** Changes settings of a running nameserver. */
export const UpdateNamesrvConfig = defineCommand({
  code: 318,
  name: 'UPDATE_NAMESRV_CONFIG',
  needs: 'update',
  askBody: plainText(),
  outcomes: ['SUCCESS'],
});

export const GetNamesrvConfig = defineCommand({
  code: 319,
  name: 'GET_NAMESRV_CONFIG',
  needs: 'read',
  answerBody: plainText(),
  outcomes: ['SUCCESS'],
});
