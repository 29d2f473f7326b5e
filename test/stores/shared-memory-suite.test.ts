import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sharedMemory } from "#stores/memory/shared";
import { sharedStoreSuite } from "#testing/store-suite/nodes/index";
import { VirtualClock } from "#testing/virtual-time";

const open = async () => {
  const clock = new VirtualClock(1_000_000);
  const memory = sharedMemory(() => clock.now());
  return { open: async () => memory.open(), pass: (ms: number) => clock.advance(ms) };
};

sharedStoreSuite("memory, of several processes", open, { describe, expect, test, fc });
