import type { Store } from "#ports/store";
import { MemoryStore } from "./store.js";

/** The reference implementation: everything in maps, nothing durable. Other stores must behave in the same way. */
export function memoryStore(): Store {
  return new MemoryStore();
}
