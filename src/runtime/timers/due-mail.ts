import type { SessionId } from "#domain/id";
import type { Deadline } from "#domain/task/deadline";
import { instant } from "#domain/time/time";
import type { Core } from "../core.js";
import type { Mail } from "../turn/turn.js";

/**
 * The message that a session's lease has ended.
 *
 * @param judgeAnew called when it has been decided; the session continues if a heartbeat came before, or if the stream
 *   was not being read
 */
export function silenceMail(session: SessionId, judgeAnew: () => void): Mail {
  const answer = { resolve: judgeAnew, reject: judgeAnew };
  const message = { type: "silent", session } as const;
  return { to: "run-tracker", message, source: "timer", weight: 0, answer };
}

/** What is needed to tell of a silent session. */
interface TellSilence {
  readonly core: Core;
  readonly timers: { arm(): void };
  post(mail: Mail): boolean;
}

/** Tells run-tracker that a session's lease has ended; false if its mailbox is full. */
export function tellOfSilence(session: SessionId, supervisor: TellSilence): boolean {
  const judgeAnew = () => {
    supervisor.core.leases.retell(session);
    supervisor.timers.arm();
  };
  return supervisor.post(silenceMail(session, judgeAnew));
}

/** The message that writing to a session's stream has failed. */
export function lossMail(session: SessionId): Mail {
  return { to: "run-tracker", message: { type: "closed", session }, source: "timer", weight: 0 };
}

/**
 * The message that a deadline has passed.
 *
 * @param handled called when it has been decided
 * @param delayed called before that, if the message is set aside
 */
export function deadlineMail(
  { taskId, stepName, kind, at }: Deadline,
  handled: () => void,
  delayed: () => void,
): Mail {
  const message = { type: "deadline.passed", taskId, stepName, kind, due: instant(at) } as const;
  const answer = { resolve: handled, reject: handled, delayed };
  return { to: "task-finalizer", message, source: "timer", weight: 0, answer };
}
