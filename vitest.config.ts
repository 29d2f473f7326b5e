import { defineConfig } from "vitest/config";

/** The import maps of package.json name their TypeScript under this condition; without it they mean `dist`. */
const conditions = ["source", "module", "node", "development|production"];
const shared = { resolve: { conditions }, ssr: { resolve: { conditions, externalConditions: conditions } } };

export default defineConfig({
  test: {
    projects: [
      {
        ...shared,
        test: {
          name: "core",
          include: ["test/**/*.test.ts"],
          exclude: ["test/e2e/**", "test/tidy/pack.test.ts", "test/**/fixtures/**"],
          testTimeout: 10_000,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        ...shared,
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts", "test/tidy/pack.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // Each of these files starts servers and workers of its own, and expects an answer in time.
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
