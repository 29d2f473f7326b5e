import { type AuthorityPhase, nextPhase } from "#domain/access/authority";
import { Fault } from "#domain/fault";
import type { WaitingNode } from "./waiting.js";

/** Names that are told in a message. */
const NAMED = 5;

export function notOrdered(from: AuthorityPhase, to: AuthorityPhase): Fault {
  const back = from === "standby" || from === "rollback" ? "" : ", or rollback";
  const message = `phase: ${to} does not follow ${from}: ask for ${nextPhase[from]}${back}.`;
  return new Fault("wrong_state", message, { field: "phase", reason: "ROTATION_ORDER" });
}

export function leavesBehind(workers: readonly string[], to: AuthorityPhase): Fault {
  const message = `${to} would leave ${workers.length} workers behind, ${someOf(workers)}: wait until they have renewed their certificates, or have ended, or revoke them; with force they must be invited again.`;
  return new Fault("wrong_state", message, { reason: "ROTATION_WAITS" });
}

export function notReady(nodes: readonly WaitingNode[]): Fault {
  const said = nodes.map(({ id, problem }) => `${id}: ${problem}`);
  const message = `${nodes.length} servers are not ready (${someOf(said)}): mend that, or wait some seconds; with force they cannot serve workers until then.`;
  return new Fault("wrong_state", message, { reason: "ROTATION_WAITS" });
}

export function rotatedMeanwhile(): Fault {
  const message = "the authority was changed at the same time: look where it stands, then try again.";
  return new Fault("unavailable", message, { reason: "AUTHORITY_CHANGED" });
}

function someOf(names: readonly string[]): string {
  const more = names.length > NAMED ? ", …" : "";
  return `${names.slice(0, NAMED).join(", ")}${more}`;
}
