import type { Command } from "#actors/commands";
import { bounded } from "#domain/worker/frame";

/** A command that is performed only after the commit, because it is visible outside the plane. */
export type Effect = Extract<Command, { type: "send" | "disconnect" | "countRefused" }>;

type Send = Extract<Command, { type: "send" }>;

/** The command with its frame cut to the largest size that may be sent. */
export function boundedSend(command: Send): Send {
  const frame = bounded(command.params.frame);
  return frame === command.params.frame ? command : { ...command, params: { ...command.params, frame } };
}
