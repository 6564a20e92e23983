// `npm run inspect-store -- DIR [--records N] [--from POSITION] [--option value ...]`: prints what is in
// a store, and what a start of a broker would do with it. Only reads.
import { nodeFileSystem, systemClock } from '@nestjs-rocketmq/foundation';
import { inspectStore, storeOptions } from '@nestjs-rocketmq/store';
import { parseArgs } from 'node:util';

const usage =
  'Usage: npm run inspect-store -- DIR [--records N] [--from POSITION] [--<option of the store> VALUE]';
const options = Object.fromEntries(
  ['records', 'from', ...storeOptions.names].map((name) => [name, { type: 'string' }]),
);

let given;
try {
  given = parseArgs({ options, allowPositionals: true });
} catch (error) {
  console.error(`${error.message}\n${usage}`);
  process.exit(2);
}
const { positionals, values } = given;
const { records, from, ...store } = values;
if (positionals.length !== 1 || !nodeFileSystem.isDirectory(positionals[0])) {
  console.error(`Name the folder of one store.\n${usage}`);
  process.exit(2);
}
await inspectStore({
  directory: positionals[0],
  fileSystem: nodeFileSystem,
  clock: systemClock,
  print: (line) => console.log(line),
  ...(records === undefined ? {} : { records: Number(records) }),
  ...(from === undefined ? {} : { from: Number(from) }),
  options: store,
});
