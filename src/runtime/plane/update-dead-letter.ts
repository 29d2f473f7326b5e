import { utf8Bytes } from "#domain/text/text";
import type { Plane } from "#ports/plane";
import type { Supervisor } from "../supervisor.js";
import { askToChange } from "./ask.js";

/** `Plane.updateDeadLetter`: writes down what became of a dead letter. */
export function updateDeadLetter(supervisor: Supervisor): Plane["updateDeadLetter"] {
  return (caller, taskId, { status, notes }) =>
    askToChange(
      supervisor,
      { type: "update.dead.letter", caller, taskId, status, notes },
      utf8Bytes(notes ?? ""),
    );
}
