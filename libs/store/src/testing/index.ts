export type { Fault, FaultyCall } from './faulty-calls.js';
export { FaultyFileSystem } from './faulty-file-system.js';
export { bodiesOf, draftOf, messagesOf, smallFiles, StoreFixture } from './store-fixture.js';
