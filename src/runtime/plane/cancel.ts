import type { Plane } from "#ports/plane";
import type { Supervisor } from "../supervisor.js";
import { askToChange } from "./ask.js";

/** The end of a Task by its client's will. */
export function cancel(supervisor: Supervisor): Plane["cancel"] {
  return (caller, taskId, message) => askToChange(supervisor, { type: "cancel", caller, taskId, message }, 0);
}
