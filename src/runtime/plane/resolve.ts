import { utf8Bytes } from "#domain/text/text";
import type { Plane } from "#ports/plane";
import type { Supervisor } from "../supervisor.js";
import { askToChange } from "./ask.js";

/** `Plane.resolve`: applies an operator's decision to a Step. */
export function resolve(supervisor: Supervisor): Plane["resolve"] {
  return (caller, taskId, stepName, action, reason = "") => {
    const weight = action.type === "complete" ? utf8Bytes(action.output) : 0;
    return askToChange(supervisor, { type: "resolve", caller, taskId, stepName, action, reason }, weight);
  };
}
