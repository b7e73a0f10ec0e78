import { defineConfig } from 'vitest/config';

/** `source` imports the code; `built` spawns what users run, built once before. */
const BUILT = ['test/e2e/**/*.test.ts', 'test/cli/**/*.test.ts', 'test/weather/**/*.test.ts'];

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // The default of one second is a race on a busy machine.
    expect: { poll: { timeout: 10_000 } },
    maxWorkers: 2,
    projects: [
      { extends: true, test: { name: 'source', include: ['test/**/*.test.ts'], exclude: BUILT } },
      { extends: true, test: { name: 'built', include: BUILT, globalSetup: ['test/support/build-once.ts'] } },
    ],
  },
});
