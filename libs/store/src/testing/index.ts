export { type Fault, type FaultyCall, FaultyFileSystem } from './faulty-file-system.js';
export { bodiesOf, draftOf, messagesOf, smallFiles, StoreFixture } from './store-fixture.js';
