import type { Needs } from "#domain/needs";
import type { StepRow } from "#domain/task/step";
import type { TaskRow } from "#domain/task/task";
import type { TemplateRef } from "#domain/template/template";
import type { Command } from "./commands.js";
import type { ActorLife, Stamped } from "./life.js";
import type { MessageView } from "./view.js";

/** What an actor has to see before it decides one kind of message. */
export interface Reader<Message> {
  /**
   * The rows that the message needs, as far as those that are here already tell. Called again with what has been loaded,
   * until it asks for nothing new: a Step names its dependants, a Task its template.
   */
  needs(message: Message, view: MessageView): Needs;
}

/** All that an actor does for one kind of message. */
export interface Handler<Message> extends Reader<Message> {
  /** What comes of the message, once all that it needs is here. Pure: the same rows and moment give the same commands. */
  decide(message: Message, view: MessageView, moment: Stamped): readonly Command[];
}

/** A reader for every kind of message of an actor. */
export type Readers<Message extends { readonly type: string }> = {
  readonly [Type in Message["type"]]: Reader<Extract<Message, { readonly type: Type }>>;
};

/** A handler for every kind of message of an actor. */
export type Handlers<Message extends { readonly type: string }> = {
  readonly [Type in Message["type"]]: Handler<Extract<Message, { readonly type: Type }>>;
};

/** A message as an actor's machine gets it: when it is decided, and what it may look at. */
export type Decidable<Message> = Message & Stamped & { readonly view: MessageView };

/** All that an actor's machine can be told. */
export type ActorEvent<Message> = Decidable<Message> | ActorLife;

/** True if the event is a message of this type. */
export function isMessage<Message extends { readonly type: string }, Type extends Message["type"]>(
  event: ActorEvent<Message>,
  type: Type,
): event is Decidable<Extract<Message, { readonly type: Type }>> {
  return event.type === type;
}

/** The template that a Task is made from, unless its plan is remembered. Of an empty version the newest is always read. */
export function planNeeds(ref: TemplateRef | null, task: TaskRow | undefined, view: MessageView): Needs {
  if (!ref || !task) return {};
  const isKnown = ref.version !== "" && view.plan(ref, task.spec.environment) !== undefined;
  return isKnown ? {} : { templates: [ref] };
}

/** What checking a result of the Step needs. */
export function resultSchemaNeeds(
  step: StepRow | undefined,
  task: TaskRow | undefined,
  view: MessageView,
): Needs {
  return step?.spec.hasSchema ? planNeeds(task?.spec.template ?? null, task, view) : {};
}
