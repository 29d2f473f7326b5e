import type { Plane } from "#ports/plane";
import type { Supervisor } from "../supervisor.js";
import { askToChange } from "./ask.js";

/** `Plane.cancel`: ends a Task at its client's request. */
export function cancel(supervisor: Supervisor): Plane["cancel"] {
  return (caller, taskId, message) => askToChange(supervisor, { type: "cancel", caller, taskId, message }, 0);
}
