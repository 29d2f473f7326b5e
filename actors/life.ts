import type { Instant } from "#domain/time/time";

/** What the supervisor tells every actor. */
export type ActorLife =
  /** The store is open and memory rebuilt. */
  | { readonly type: "serve" }
  /** Its mailbox is full, or half empty again. */
  | { readonly type: "fill" }
  | { readonly type: "ease" }
  /** Take nothing new; finish what is begun. */
  | { readonly type: "drain" }
  | { readonly type: "stop" };

/** What the runtime adds to every message: when it is decided, and one draw of chance. */
export interface Stamped {
  readonly at: Instant;
  /** Uniform in [0, 1). */
  readonly draw: number;
}

/** What an actor looks like from outside; all four share these states. */
export type ActorState = "starting" | "serving" | "saturated" | "draining" | "stopped";

/**
 * The five states of an actor around what it listens for. `open` holds what both serving and saturated
 * listen for; a saturated actor still decides; only its mailbox refuses new messages.
 */
export function actorStates<const Open, const Draining>(open: Open, draining: Draining) {
  return {
    starting: { on: { serve: "serving", stop: "stopped" } },
    serving: { on: { ...open, fill: "saturated", drain: "draining" } },
    saturated: { on: { ...open, ease: "serving", drain: "draining" } },
    draining: { on: { ...draining, stop: "stopped" } },
    stopped: { type: "final" },
  } as const;
}
