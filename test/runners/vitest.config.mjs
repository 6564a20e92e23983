// What a user needs for decorators under Vitest.
export default {
  oxc: { decorator: { legacy: true } },
  test: { include: ['under-vitest.ts'], testTimeout: 120_000 },
};
