import type { JournalEntryName, JournalKind } from "#domain/task/journal";
import { AgentError } from "../agent/error.js";

/** Why a Run ends because of its journal. */
export type JournalReason = "JOURNAL_MISMATCH" | "JOURNAL_LIMIT" | "IN_DOUBT";

/** Ends the Run, whether or not its agent catches it. Trying again would come to the same. */
export class JournalError extends AgentError {
  readonly reason: JournalReason;

  constructor(message: string, reason: JournalReason) {
    super(message, { retryable: false });
    this.reason = reason;
  }
}

type Named = Pick<JournalEntryName, "kind" | "name" | "inputDigest">;

const words: Record<JournalKind, string> = {
  STEP: "step",
  TOOL: "tool",
  SLEEP: "sleep",
  SIGNAL: "signal",
  CHILD: "child",
};

/** An entry as messages name it. */
export function entryInWords({ kind, name, inputDigest }: Named): string {
  const input = inputDigest === "" ? "" : ` with input ${inputDigest.slice(0, 8)}…`;
  return kind === "SLEEP" ? "a sleep" : `${words[kind]} "${name}"${input}`;
}

/**
 * The agent asks for something else than the next entry of its journal.
 *
 * @param isLater true if what it asks for stands further on
 */
export function misfit(
  next: Named & { readonly number: number },
  asked: Named,
  isLater: boolean,
): JournalError {
  const isNamedSo = next.kind === asked.kind && next.name === asked.name;
  const change = isLater
    ? "the order has changed"
    : isNamedSo
      ? "the input has changed"
      : "the name has changed";
  const problem = `an earlier run had ${entryInWords(next)} next (entry ${next.number}), and now it is ${entryInWords(asked)}: ${change}`;
  return new JournalError(`the agent does not fit its journal: ${problem}. ${WAY_OUT}`, "JOURNAL_MISMATCH");
}

/** The agent has returned before it has asked for this entry. */
export function leftOver(next: Named & { readonly number: number }): JournalError {
  const problem = `an earlier run had ${entryInWords(next)} next (entry ${next.number}), and now the agent has returned without it`;
  return new JournalError(`the agent does not fit its journal: ${problem}. ${WAY_OUT}`, "JOURNAL_MISMATCH");
}

const WAY_OUT =
  "Let this task end with the code it began with, or begin a new one; what depends on time, chance or the world belongs into a step.";

/** What is wrong with an agent that stops at a checkpoint and has a journal. */
export const CHECKPOINT =
  "the agent has stopped at a checkpoint although it has durable steps: the next run would begin at the checkpoint, and not ask for them. Use the one or the other.";
