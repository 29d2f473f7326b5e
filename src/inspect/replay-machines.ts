import { definitions } from "#actors/definitions";
import type { MachineId } from "#actors/machines";
import type { InspectedContext } from "./protocol.js";
import { readMachine } from "./view/machine.js";

const machines = new Map<MachineId, NonNullable<ReturnType<typeof readMachine>>>();
const texts = new Map<MachineId, string>();

export function definitionText(machine: MachineId): string {
  const text = texts.get(machine) ?? JSON.stringify(definitions[machine]);
  texts.set(machine, text);
  return text;
}

function machineOf(id: MachineId) {
  const machine = machines.get(id) ?? readMachine(definitionText(id));
  if (machine) machines.set(id, machine);
  return machine;
}

export function stateIn(value: unknown): string {
  return typeof value === "string" ? value : String((value as { readonly status?: unknown }).status ?? "");
}

export function isEnd(machine: MachineId, state: string): boolean {
  const path = machine === "run" ? `run.status.${state}` : `${machine}.${state}`;
  return machineOf(machine)?.states.get(path)?.kind === "final";
}

export function statusOf(machine: MachineId, value: unknown): "active" | "done" {
  return isEnd(machine, stateIn(value)) ? "done" : "active";
}

/** The messages of a Run's end, by its reason: several lead to the same state. */
const ends: Readonly<Record<string, string>> = {
  WORKER_LOST: "lost",
  YIELDED: "yielded",
  DECLINED: "declined",
  AGENT_ERROR: "failed",
  OUTPUT_LOST: "broken",
  OUTPUT_LIMIT: "broken",
  REPORT_INVALID: "broken",
  ASSIGNMENT_TOO_LARGE: "undeliverable",
  TIMEOUT: "end",
};

/** The message that leads from one state to another, if there is only one; else empty. */
export function messageBetween(
  id: MachineId,
  before: string,
  after: string,
  { reason }: InspectedContext,
): string {
  const machine = machineOf(id);
  const path = (state: string) => (id === "run" ? `run.status.${state}` : `${id}.${state}`);
  const events = new Set(
    machine?.transitions.flatMap(({ from, to, event }) =>
      from === path(before) && to === path(after) ? [event] : [],
    ),
  );
  const [only = ""] = events;
  if (events.size === 1) return only;
  const known = ends[String(reason ?? "")];
  if (known !== undefined && events.has(known)) return known;
  return id === "run" && after === "COMPLETED" && events.has("completed") ? "completed" : "";
}
