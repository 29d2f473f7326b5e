import { utf8Bytes } from "#domain/text/text";
import type { Plane } from "#ports/plane";
import type { Supervisor } from "../supervisor.js";
import { ask } from "./ask.js";

/** `Plane.submit`: posts new Tasks as one message to `task-request`; refused if its mailbox is full. */
export function submit(supervisor: Supervisor): Plane["submit"] {
  const { plans } = supervisor.core;
  return (caller, drafts) => {
    const weight = drafts.reduce((sum, { input }) => sum + utf8Bytes(input), 0);
    for (const { plan } of drafts) if (plan) plans.keep(plan);
    return ask(supervisor, "task-request", { type: "submit", caller, drafts }, weight);
  };
}
