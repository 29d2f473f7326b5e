import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { memoryStore } from "#stores/memory/index";
import { storeSuite } from "#testing/store-suite/index";

storeSuite(
  "memory",
  async () => {
    const store = memoryStore();
    return { store, reopen: async () => store };
  },
  { describe, test, expect, fc },
);
