import type { SessionId } from "#domain/id";
import type { Deadline } from "#domain/task/deadline";
import { instant } from "#domain/time/time";
import type { Mail } from "../turn/turn.js";

/** @param judgeAnew called once it is decided: if a heartbeat, or a pause of ours, came first, the session lives on */
export function silenceMail(session: SessionId, judgeAnew: () => void): Mail {
  const answer = { resolve: judgeAnew, reject: judgeAnew };
  const message = { type: "silent", session } as const;
  return { to: "run-tracker", message, source: "timer", weight: 0, answer };
}

/** @param delayed called if it is put aside, before `handled` is called once it is decided */
export function deadlineMail(
  { taskId, stepName, kind, at }: Deadline,
  handled: () => void,
  delayed: () => void,
): Mail {
  const message = { type: "deadline.passed", taskId, stepName, kind, due: instant(at) } as const;
  const answer = { resolve: handled, reject: handled, delayed };
  return { to: "task-finalizer", message, source: "timer", weight: 0, answer };
}
