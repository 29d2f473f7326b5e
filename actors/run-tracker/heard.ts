import type { SessionId } from "#domain/id";
import type { RefusedReport } from "#domain/task/report";
import type { RunRow } from "#domain/task/run";
import type { Instant } from "#domain/time/time";
import type { Command } from "../commands.js";
import { advanceRun } from "../make-command.js";
import type { MessageView } from "../view.js";
import { statusAck } from "./runs.js";

/** A report that counts: the Run it is about, and who speaks. */
export interface Heard {
  readonly run: RunRow;
  readonly session: SessionId;
  /** What the report weighs. */
  readonly bytes: number;
  /** True if the worker expects acks. */
  readonly acks: boolean;
  readonly view: MessageView;
  readonly at: Instant;
}

export function ackStatus({ run, session, acks }: Heard): Command[] {
  return acks ? [statusAck(run.id, session)] : [];
}

/** What cannot be accepted costs the Run it is about. If it was to be the last word, the worker releases it now. */
export function breakOff({ message, last }: RefusedReport, heard: Heard): Command[] {
  const { run, at } = heard;
  const broken = advanceRun(run, { type: "broken", at, reason: "REPORT_INVALID", message });
  const released = last ? [...ackStatus(heard), advanceRun(run, { type: "released", at })] : [];
  return [broken, ...released, { type: "countRefused", params: { cause: "invalid" } }];
}
