import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { memoryStore } from "#stores/memory";
import { storeSuite } from "#testing/store-suite";

storeSuite(
  "memory",
  async () => {
    const store = memoryStore();
    return { store, reopen: async () => store };
  },
  { describe, test, expect, fc },
);
