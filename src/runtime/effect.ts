import type { Ask } from "#actors/asks";
import { bounded } from "#domain/frame";

/** What is done only after the commit, and only then: the asks that reach the outside. */
export type Effect = Extract<Ask, { type: "send" | "disconnect" | "countRefused" }>;

type Send = Extract<Ask, { type: "send" }>;

/** The same, with a frame of a size that fits. */
export function boundedSend(ask: Send): Send {
  const frame = bounded(ask.params.frame);
  return frame === ask.params.frame ? ask : { ...ask, params: { ...ask.params, frame } };
}
