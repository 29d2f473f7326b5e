import { millis } from "#domain/time/time";
import { KIB, MIB } from "./units.js";

/**
 * # Inspection
 *
 * What those who look on by `@statelyai/inspect` may cost.
 */
export const inspect = {
  /** Viewers at once, of all kinds: each gets a copy of every event. */
  inspectViewers: 16,
  /** Events that wait for one viewer, past which the oldest are dropped: a burst of some sixty Tasks is seen whole. */
  inspectBuffered: 2_048,
  /** The same in bytes as JSON text, roughly: most of it is machines' definitions, which come with every actor. */
  inspectBufferedBytes: 16 * MIB,
  /** Actors whose newest state was dropped, and that a viewer is told of anew once it has caught up; of more, it hears with their next event. */
  inspectLost: 4_096,
  /** Actors that a viewer is taken to know; one of before is told of anew at its next event. */
  inspectKnown: 16_384,
  /** Tasks below the one that a viewer has asked for. */
  inspectFamily: 10_000,
  /** Tasks that a viewer without a filter is told of at once: the newest, as far as they have not ended. */
  inspectFirstTasks: 50,
  /** How often a viewer gets what waits for it: often enough to look immediate, seldom enough to be few large writes. */
  inspectEvery: millis(25),
  /** Events that it gets at a time, 4 000 a second: more than anybody follows, and little enough to leave the plane its time. */
  inspectAtOnce: 100,
  /** The same in bytes, roughly; most of it is machines' definitions, which come with every actor. */
  inspectAtOnceBytes: 128 * KIB,
  /** Bytes that a viewer's connection may have unsent before it gets more. */
  inspectUnsentBytes: 1 * MIB,
  /** How often a viewer that gets nothing is written to, so that its connection is known to be alive. */
  inspectHeartbeat: millis(15_000),
  /** Addresses of inspector servers. */
  inspectServers: 4,
  /** From the loss of an inspector server to the first attempt to reach it again; doubled after each that fails. */
  inspectReconnect: millis(1_000),
  /** The longest between two attempts. */
  inspectReconnectMost: millis(30_000),
  /** How long a connection to one may take to be made, and how long it may be silent after a ping. */
  inspectConnect: millis(5_000),
  /** A message of an inspector server, which relays those of other programs; it is not read. */
  inspectReceivedBytes: 16 * MIB,
  /** With payloads: a text of a message or context, past which it is cut. */
  inspectTextBytes: 4 * KIB,
  /** The same over all texts of one event. */
  inspectEventBytes: 16 * KIB,
  /** Objects within objects that are shown of a payload. */
  inspectDepth: 8,
  /** Names, ids or fields that are shown of a list. */
  inspectNames: 64,
} as const;
