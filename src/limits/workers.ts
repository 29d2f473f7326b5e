import { millis } from "#domain/time/time";
import { KIB, MIB } from "./units.js";

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
  /** An agent's JSON Schema of its input, as text: 64 of them make a hello of the largest message. */
  agentSchemaBytes: 64 * KIB,
  /** Announcements of one agent that a new Task's input is compared with, while its Workers do not agree: releases that overlap are two. */
  agentSchemasCompared: 4,
  /**
   * Agents that are remembered with what they announced, each once for a namespace: what the largest hello may announce, 64 in 64
   * namespaces. Beyond them the one is forgotten whose last Worker left first; what is connected still works.
   */
  knownAgents: 4_096,
  /** The same in bytes of their announcements: the schemas are kept in memory. */
  knownAgentBytes: 32 * MIB,
  /** What one hello adds to them at most: beyond it schemas are not remembered once the Worker is gone, so that a commit stays small. */
  announcedBytes: 4 * MIB,
  /** How old the instant may be at which an agent was last seen: a Worker that reconnects again and again is written down so often. */
  agentSeenEvery: millis(10 * 60_000),
  /** An agent without a Worker for so long is forgotten, once another one is announced: it will hardly come back under this name. */
  agentKept: millis(30 * 86_400_000),
  /** Agents asked for by SubmitTask that are remembered for workers which do not say what they run: many such workers' worth. */
  submittedAgents: 1_024,
  /** How often live Tasks are looked through for more of them: another node, or one before this start, was asked for those. */
  submittedEvery: millis(30_000),
  /** Tasks that are read for it at once, the newest first. */
  submittedRows: 1_000,
  /** How often it reads so many of them each time, beside the newest: what is left is for the next time. */
  submittedPages: 4,
  /** An agent that nobody has asked for so long, and that nothing waits for, is not offered any more; the next Task brings it back. */
  submittedKept: millis(86_400_000),
  /** A worker that counts free slots may not have counted an assignment that was sent to it so short a time before. */
  slotsLag: millis(1_000),
  /**
   * Leases for which a worker that names Runs by their Task gets none of those that an earlier stream of it has lost, counted from its
   * last word about the Task: it may be at it still. If it has started anew it is not, and waits for no more than this.
   */
  lostLeases: 2,
  /** Such workers whose Tasks are remembered for that; beyond them that of the one is forgotten that was given something longest ago. */
  inHandWorkers: 10_000,
  /** Warnings of one Task, each about another agent of its template. */
  taskWarnings: 8,
  /** One warning; longer ones are cut. */
  taskWarningBytes: 1 * KIB,
  /** Ready Steps of one agent that are counted in a list of agents; more are shown as this many. */
  waitingCounted: 10_000,
  /** Namespaces one Worker may name in its hello. */
  namespacesPerWorker: 64,
  /** Leases that a Run held at the start of a server has for its Worker to come back. */
  bootLeases: 1.5,
  /** How long two Workers that take the same id from one another are not spoken of again in the log. */
  takeoverQuiet: millis(60_000),
  /** Worker ids remembered for that; beyond them the oldest is forgotten, and may be spoken of again too soon. */
  takeoversRemembered: 1_000,
} as const;
