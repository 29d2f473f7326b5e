import type { Plane } from "#ports/plane";
import type { Supervisor } from "../supervisor.js";
import { askToChange } from "./ask.js";

/** `Plane.topUp`: raises a Task's budget. */
export function topUp(supervisor: Supervisor): Plane["topUp"] {
  return (caller, taskId, add, reason = "", requestId = "") =>
    askToChange(supervisor, { type: "top.up", caller, taskId, add, reason, requestId }, 0);
}
