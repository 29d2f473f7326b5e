import { definitions } from "#actors/definitions";
import { fromStately, type InspectEvent } from "#inspect/view/event";
import { Timeline } from "#inspect/view/timeline";

/** A story of inspection events, told an actor at a time. */
export class Story {
  readonly timeline = new Timeline();
  at = 1_000;

  /** An actor appears, with its parent if that is not the plane. */
  actor(id: string, value: unknown, context: object = {}, parentId = "taskrun"): this {
    const kind = id.slice(0, id.indexOf(":"));
    const machine = kind === "actor" ? id.slice("actor:".length) : kind;
    const definition = JSON.stringify(definitions[machine as keyof typeof definitions]);
    const name = id.slice(id.indexOf(":") + 1);
    return this.#add({
      type: "@xstate.actor",
      sessionId: id,
      name,
      parentId,
      definition,
      snapshot: { status: "active", value, context },
    });
  }

  tell(to: string, type: string, from = "", fields: object = {}): this {
    return this.#add({ type: "@xstate.event", sessionId: to, sourceId: from, event: { type, ...fields } });
  }

  becomes(id: string, value: unknown, context: object = {}, type = "", status = "active"): this {
    return this.#add({
      type: "@xstate.snapshot",
      sessionId: id,
      event: { type },
      snapshot: { status, value, context },
    });
  }

  task(id: string, state: string, context: object = {}, parentId?: string): this {
    return this.actor(`task:${id}`, state, { taskId: id, ...context }, parentId);
  }

  step(task: string, name: string, state: string, context: object = {}): this {
    return this.actor(
      `step:${task}/${name}`,
      state,
      { taskId: task, stepName: name, ...context },
      `task:${task}`,
    );
  }

  run(id: string, task: string, step: string, status: string, context: object = {}): this {
    const value = { status, hold: "held" };
    return this.actor(
      `run:${id}`,
      value,
      { taskId: task, stepName: step, ...context },
      `step:${task}/${step}`,
    );
  }

  #add(event: object): this {
    const read = fromStately({ createdAt: String(this.at), ...event }) as InspectEvent;
    this.timeline.add(read);
    return this;
  }
}
