import { textOf } from "./event.js";
import { valueText } from "./machine.js";
import { type Actor, isOver, type World } from "./world.js";

/** What an actor is, by its session id. */
export type ActorKind = "root" | "actor" | "task" | "step" | "run" | "worker" | "other";

const kinds: readonly ActorKind[] = ["actor", "task", "step", "run", "worker"];

export function kindOf(id: string): ActorKind {
  if (id === "taskrun") return "root";
  const prefix = id.slice(0, id.indexOf(":"));
  return kinds.find((kind) => kind === prefix) ?? "other";
}

/** The part of a session id that names the actor among its kind: a Step's name, anything else's id. */
export function ownName(id: string): string {
  const rest = id.slice(id.indexOf(":") + 1);
  return kindOf(id) === "step" ? rest.slice(rest.indexOf("/") + 1) : rest;
}

/** An id that servers make, shortened to its end, in which those of one time differ. */
export function shortId(id: string): string {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id) ? `…${id.slice(-8)}` : id;
}

/** A session id for people: `Step fetch`, `Task …1f2a9c3d`, `scheduler`. */
export function label(id: string): string {
  const name = ownName(id);
  switch (kindOf(id)) {
    case "task":
      return `Task ${shortId(name)}`;
    case "step":
      return `Step ${name}`;
    case "run":
      return `Run ${shortId(name)}`;
    case "worker":
      return `Worker ${shortId(name)}`;
    case "root":
    case "actor":
    case "other":
      return name;
  }
}

/** The id of the Task that an actor is, or is a part of; empty if of none. */
export function taskOf(id: string, world: World): string {
  let at: string | undefined = id;
  for (let depth = 0; depth < DEPTH_MAX && at; depth += 1) {
    if (kindOf(at) === "task") return ownName(at);
    if (kindOf(at) === "step") {
      const rest = at.slice(at.indexOf(":") + 1);
      return rest.slice(0, rest.indexOf("/"));
    }
    const actor: Actor | undefined = world.get(at);
    const own = textOf(actor?.snapshot.context.taskId);
    if (own !== "") return own;
    at = actor?.parentId;
  }
  return "";
}

/** Parents of an actor that are looked at: Run, Step, Task, and whatever another program puts between. */
const DEPTH_MAX = 6;

/** What a state means for whoever looks: it goes on, waits, has failed, is done; `idle` for all else. */
export type Tone = "running" | "waiting" | "failed" | "done" | "idle";

const tones: Readonly<Record<string, Tone>> = {
  // A Task's
  initializing: "waiting",
  enqueuing_steps: "waiting",
  steps_in_process: "running",
  evaluating_results: "running",
  waiting_for_dependencies: "waiting",
  waiting_for_retry: "waiting",
  blocked_by_failures: "failed",
  // A Step's
  pending: "idle",
  enqueued: "waiting",
  in_progress: "running",
  enqueued_for_orchestration: "running",
  enqueued_as_error_for_orchestration: "failed",
  complete: "done",
  resolved_manually: "done",
  error: "failed",
  cancelled: "idle",
  // A Run's
  PENDING: "waiting",
  ASSIGNED: "running",
  RUNNING: "running",
  COMPLETED: "done",
  FAILED: "failed",
  CANCELLED: "idle",
  // A Worker's, and an actor's
  serving: "running",
  failing: "failed",
  draining: "waiting",
  detached: "failed",
  gone: "idle",
  starting: "waiting",
  saturated: "failed",
  stopped: "idle",
};

/** The main state of an actor on one line; of a Run its status. */
export function stateOf({ snapshot: { value, status } }: Pick<Actor, "snapshot">): string {
  if (typeof value === "object" && value !== null && "status" in value) return valueText(value.status);
  return valueText(value) || status;
}

/** The tone of a state that is known by its name; undefined of a machine of somebody else's. */
export function toneOfState(state: string): Tone | undefined {
  return Object.hasOwn(tones, state) ? tones[state] : undefined;
}

export function toneOf(actor: Actor): Tone {
  const state = stateOf(actor);
  const known = toneOfState(state);
  if (known) return known;
  if (/fail|err|lost/i.test(state)) return "failed";
  return isOver(actor) ? "done" : "running";
}
