import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/**
 * The import maps of package.json name their TypeScript under `source`; without it they mean `dist`. Not `module`: packages name
 * files by it that are for bundlers, which Node cannot load.
 */
const conditions = ["source", "node", "development|production"];
const shared = { resolve: { conditions }, ssr: { resolve: { conditions, externalConditions: conditions } } };

/** What hangs ends; none of these is a measure, for a machine may have far more to do than cores. */
const bounds = { testTimeout: 120_000, hookTimeout: 120_000, expect: { poll: { timeout: 60_000 } } };
const everywhere = { ...bounds, setupFiles: [fileURLToPath(new URL("test/expect.ts", import.meta.url))] };

/**
 * Tests of code that has no state of its own, opens nothing and knows no time but a virtual one: the files of one worker share
 * their modules, because loading these anew for each took longer than many of the tests.
 */
const shares = ["actors", "api", "domain"].map((folder) => `test/${folder}/**/*.test.ts`);

/**
 * Tests that measure how long something takes, how busy an idle server is, or its memory, and the one with the most processes:
 * nothing else runs meanwhile.
 */
const measures = [
  "authority-nodes",
  "hostile-schemas",
  "idle",
  "large-inputs",
  "light-loads",
  "nodes",
  "overload",
  "rotation",
  "slow-node",
  "slow-watcher",
].map((name) => `test/e2e/${name}.test.ts`);

/** The runtime's tests once more, over XState's own `transition()` in the place of our interpreter. */
const xstate = {
  resolve: {
    conditions,
    alias: [
      {
        find: /^(\.|(\.\.|#runtime)\/machines)\/flat-interpreter(\.js)?$/,
        replacement: fileURLToPath(new URL("test/runtime/kit/xstate-interpreter.ts", import.meta.url)),
      },
    ],
  },
  ssr: shared.ssr,
  test: {
    name: "xstate",
    include: ["test/runtime/**/*.test.ts"],
    // With XState's own transition() it takes more than three minutes; the shorter maps go the same way.
    exclude: ["test/runtime/workflows/longest-map.test.ts"],
    ...everywhere,
    maxWorkers: 2,
    sequence: { groupOrder: 4 },
  },
};

export default defineConfig({
  test: {
    projects: [
      {
        ...shared,
        test: {
          name: "core",
          include: ["test/**/*.test.ts"],
          exclude: ["test/e2e/**", "test/tidy/pack*.test.ts", "test/**/fixtures/**", ...shares],
          ...everywhere,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        ...shared,
        test: {
          name: "core-shared",
          isolate: false,
          include: shares,
          ...everywhere,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      {
        ...shared,
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts", "test/tidy/pack*.test.ts"],
          exclude: ["test/**/fixtures/**", ...measures],
          ...everywhere,
          // Each of these files starts servers and workers of its own, and waits for most of its time.
          maxWorkers: 2,
          sequence: { groupOrder: 2 },
        },
      },
      {
        ...shared,
        test: {
          name: "e2e-alone",
          include: measures,
          ...everywhere,
          maxWorkers: 1,
          sequence: { groupOrder: 3 },
        },
      },
      ...(process.env.XSTATE_TRANSITION ? [xstate] : []),
    ],
  },
});
