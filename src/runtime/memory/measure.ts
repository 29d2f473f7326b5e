import type { Core } from "../core.js";

/** Measurements of a turn: monotonic times in milliseconds, and counts. */
export interface TurnMeasures {
  readonly began: number;
  readonly decidedAt: number;
  readonly committedAt: number;
  readonly messages: number;
  /** Undefined if there was nothing to commit. */
  readonly rows: number | undefined;
}

/** Reports the metrics of a turn that has been committed. Errors of the telemetry are ignored. */
export function measure(turn: TurnMeasures, { telemetry, clock }: Pick<Core, "telemetry" | "clock">): void {
  const { began, decidedAt, committedAt, messages, rows } = turn;
  try {
    telemetry.count("taskrun_turns_total", { outcome: "committed" });
    telemetry.observe("taskrun_turn_messages", messages);
    telemetry.observe("taskrun_turn_seconds", (clock.monotonic() - began) / 1_000);
    if (rows === undefined) return;
    telemetry.observe("taskrun_commit_seconds", (committedAt - decidedAt) / 1_000);
    telemetry.observe("taskrun_commit_rows", rows);
  } catch {}
}
