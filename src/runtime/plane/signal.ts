import { utf8Bytes } from "#domain/text/text";
import type { Plane } from "#ports/plane";
import type { Supervisor } from "../supervisor.js";
import { askToChange } from "./ask.js";

/** `Plane.signal`: delivers a payload to a Step that waits for a signal. */
export function signal(supervisor: Supervisor): Plane["signal"] {
  return (caller, taskId, name, payload, reason = "", requestId = "") => {
    const message = { type: "signal", caller, taskId, signal: name, payload, reason, requestId } as const;
    return askToChange(supervisor, message, utf8Bytes(payload));
  };
}
