import type { CaseGroup, InteropCase } from './case.js';
import { runTimeCases } from './operator-cases.js';
import { producerCases } from './producer-cases.js';
import { offsetCases, pullCases } from './pull-cases.js';
import { pushCases } from './push-cases.js';
import { connectionCases, serviceCases } from './service-cases.js';
import { nameCases } from './name-cases.js';
import { storeAnswerCases } from './store-answer-cases.js';
import { requestCases, transactionCases } from './transaction-cases.js';

/** Every row of docs/interop.md, in its order. */
export const caseGroups: readonly CaseGroup[] = [
  producerCases,
  storeAnswerCases,
  transactionCases,
  requestCases,
  pushCases,
  runTimeCases,
  pullCases,
  offsetCases,
  connectionCases,
  nameCases,
  serviceCases,
];

export const allCases: readonly InteropCase[] = caseGroups.flatMap(({ cases }) => cases);
