// What a user needs for decorators under Vitest; the page on testing shows it.
export default {
  oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } },
  test: { include: ['under-vitest.ts'], testTimeout: 120_000 },
};
