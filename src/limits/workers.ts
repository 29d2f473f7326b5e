import { millis } from "#domain/time/time";

/**
 * # Workers
 *
 * What one Worker may say of itself, and how the server deals with Workers that come and go.
 */
export const workers = {
  /** What a Worker may state as its capacity. */
  maxRunsPerWorker: 1_024,
  /** What a Worker that states no capacity gets. */
  defaultRunsPerWorker: 10,
  /** Agents in one hello: they are kept while the Worker is connected, and listed with all others. */
  agentsPerWorker: 64,
  /** Models one agent may name, each with up to 64 modalities, tools and entries of metadata of 256 B. */
  backendsPerAgent: 16,
  /** Namespaces one Worker may name in its hello. */
  namespacesPerWorker: 64,
  /** Leases that a Run held at the start of a server has for its Worker to come back. */
  bootLeases: 1.5,
  /** How long two Workers that take the same id from one another are not spoken of again in the log. */
  takeoverQuiet: millis(60_000),
  /** Worker ids remembered for that; beyond them the oldest is forgotten, and may be spoken of again too soon. */
  takeoversRemembered: 1_000,
} as const;
