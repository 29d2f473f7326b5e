import type { Command } from "#actors/commands";
import type { RunId } from "#domain/id";
import { invariant } from "#domain/invariant";
import type { RunRow } from "#domain/task/run";
import type { Reason } from "#domain/task/task";
import { type Instant, later } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Core } from "../core.js";
import { type BuiltAssignment, buildAssignment } from "./assignment.js";
import type { TurnContext } from "./context.js";

interface Parts {
  readonly context: TurnContext;
  readonly core: Pick<Core, "terms" | "telemetry">;
  readonly at: Instant;
}

/** Why a Run cannot be sent to any worker. Permanent: a retry would fail in the same way. */
interface Undeliverable {
  readonly reason: Reason;
  readonly message: string;
}

/**
 * The command that sends a Run to its worker; or, if the assignment cannot be built or does not fit into one message,
 * the command that ends the Run. In this case the worker gets no message and its slot is free again. The assignment
 * is built before the commit, so that it cannot fail after it.
 */
export function sendOrEnd(runId: RunId, { context, core, at }: Parts): Command {
  const run = context.work.run(runId);
  invariant(run && run.heldBy !== "", `run ${runId} is to be sent but nobody holds it`);
  const made = assignmentOf(run, context, core);
  if ("assignment" in made) {
    const frame = { type: "assign", ...made.assignment } as const;
    return { type: "send", params: { session: run.heldBy, frame } };
  }
  return { type: "advanceRun", params: { runId, message: { type: "undeliverable", at, ...made } } };
}

function assignmentOf(
  run: RunRow,
  { work, memory }: TurnContext,
  { terms, telemetry }: Parts["core"],
): BuiltAssignment | Undeliverable {
  const { heldBy: session, createdAt } = run;
  const protocol = (session && memory.roster.get(session)?.protocol) || 0;
  const { incarnation } = memory;
  const expiresAt = later(createdAt, limits.assignmentLife);
  const bound = session && protocol >= 1 ? { session, incarnation, expiresAt } : undefined;
  try {
    const made = buildAssignment(run, work, {
      protocol,
      lease: terms.lease,
      bound,
      traced: telemetry.tracing !== undefined,
    });
    if ("unmapped" in made) return { reason: "INPUT_UNMAPPED", message: made.unmapped };
    return made.bytes.whole > limits.messageBytes ? tooLarge(made) : made;
  } catch (error) {
    const { id: runId, taskId, stepName } = run;
    telemetry.log.error("an assignment could not be made", { taskId, stepName, runId, err: error });
    const message = "making the assignment failed inside; the server's log says why";
    return { reason: "INTERNAL", message };
  }
}

function tooLarge({ bytes: { whole, input, results } }: BuiltAssignment): Undeliverable {
  const others = whole - input - results;
  const message =
    `the assignment is ${whole} bytes, at most ${limits.messageBytes} can be sent: ${input} of the input and what ` +
    `is added to it, ${results} of results, ${others} of labels and the rest. Let the step be given less`;
  return { reason: "ASSIGNMENT_TOO_LARGE", message };
}
