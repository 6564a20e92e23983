export { accessProblem } from './access-problem.js';
export * from './access.errors.js';
export { checkCredentials, type Credentials, type SessionCredentials } from './credentials.js';
export { requestFields, type RequestFields } from './request-fields.js';
export { contentOf, Signer } from './signer.js';
