import { utf8Bytes } from "#domain/text/text";
import type { Plane } from "#ports/plane";
import type { Supervisor } from "../supervisor.js";
import { ask } from "./ask.js";

/** `Plane.register`: stores a template version, which never changes afterwards. */
export function register(supervisor: Supervisor): Plane["register"] {
  return (caller, template) =>
    ask(supervisor, "task-request", { type: "register", caller, template }, utf8Bytes(template.source));
}
