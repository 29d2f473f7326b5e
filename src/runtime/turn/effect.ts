import type { Command } from "#actors/commands";
import { bounded } from "#domain/worker/frame";

/** What is done only after the commit, and only then: the asks that reach the outside. */
export type Effect = Extract<Command, { type: "send" | "disconnect" | "countRefused" }>;

type Send = Extract<Command, { type: "send" }>;

/** The same, with a frame of a size that fits. */
export function boundedSend(command: Send): Send {
  const frame = bounded(command.params.frame);
  return frame === command.params.frame ? command : { ...command, params: { ...command.params, frame } };
}
