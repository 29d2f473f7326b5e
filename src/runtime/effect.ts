import type { Ask } from "#actors/asks";

/** What is done only after the commit, and only then: the asks that reach the outside. */
export type Effect = Extract<Ask, { type: "sendAssignment" | "send" | "disconnect" | "countRefused" }>;
