import type { Lane, LaneTemplate } from "../task/lane.js";
import type { HeldRun } from "../task/run.js";
import { type Instant, NEVER } from "../time/time.js";

/** What a pause can be of, from all to one. */
export const pauseKinds = ["plane", "namespace", "agent", "template", "worker"] as const;
export type PauseKind = (typeof pauseKinds)[number];

/** As the namespace of an agent: every namespace. */
export const EVERY_NAMESPACE = "*";

/** What a pause is of. Fields that its kind does not have are empty. */
export interface PauseScope {
  readonly kind: PauseKind;
  /** Of a namespace, template or agent; of an agent it may be {@link EVERY_NAMESPACE}. */
  readonly namespace: string;
  /** The agent, the template (any version of it), or the worker's id. */
  readonly name: string;
  /** Of a worker: whose it is, since workers of two principals may have one id. */
  readonly principal: string;
}

/**
 * Nothing of its scope is given to workers until it is resumed, or until its time has passed. What workers hold goes on, and so do
 * timers, signals, child Tasks and the timeouts of Tasks.
 */
export interface Pause {
  readonly scope: PauseScope;
  /** For people. */
  readonly reason: string;
  /** When it ends by itself; {@link NEVER} if only by a resume. */
  readonly until: Instant;
  /** The principal that has asked for it, and when. */
  readonly by: string;
  readonly at: Instant;
}

export const THE_PLANE: PauseScope = { kind: "plane", namespace: "", name: "", principal: "" };

/** Names a scope: there is at most one pause of it. */
export function pauseKey({ kind, namespace, name, principal }: PauseScope): string {
  return JSON.stringify([kind, namespace, name, principal]);
}

/** True if the pause has ended by itself. */
export function isOver({ until }: Pause, now: Instant): boolean {
  return until !== NEVER && until <= now;
}

/** True if the Run would not be given to its worker now. */
export function covers({ kind, namespace, name, principal }: PauseScope, run: HeldRun): boolean {
  switch (kind) {
    case "plane":
      return true;
    case "namespace":
      return run.namespace === namespace;
    case "agent":
      return run.agentName === name && (namespace === EVERY_NAMESPACE || run.namespace === namespace);
    case "template":
      return run.template?.namespace === namespace && run.template.name === name;
    case "worker":
      return run.workerId === name && run.principal === principal;
  }
}

export function templateScope({ namespace, name }: LaneTemplate): PauseScope {
  return { kind: "template", namespace, name, principal: "" };
}

/** What Steps have that wait in one lane, as far as pauses go. */
export type Waiting = Pick<Lane, "namespace" | "agentName"> & {
  /** The template of their Tasks; of a lane only if all are of one. */
  readonly template?: LaneTemplate | null;
};

/** The scopes that a ready Step is in, the widest first. */
export function scopesOf({ namespace, agentName, template }: Waiting): readonly PauseScope[] {
  const agent = { kind: "agent", name: agentName, principal: "" } as const;
  return [
    THE_PLANE,
    { kind: "namespace", namespace, name: "", principal: "" },
    ...(template ? [templateScope(template)] : []),
    { ...agent, namespace: EVERY_NAMESPACE },
    { ...agent, namespace },
  ];
}

/** The scope in words, as `agent "triage" in namespace "billing"`. */
export function scopeText({ kind, namespace, name, principal }: PauseScope): string {
  switch (kind) {
    case "plane":
      return "the plane";
    case "namespace":
      return `namespace "${namespace}"`;
    case "agent":
      return namespace === EVERY_NAMESPACE
        ? `agent "${name}" in every namespace`
        : `agent "${name}" in namespace "${namespace}"`;
    case "template":
      return `template ${namespace}/${name}`;
    case "worker":
      return `worker "${name}" of ${principal}`;
  }
}

/** Who has paused what, and why: the detail of a wait that says until when beside it. */
export function pauseText({ scope, reason, by }: Pause): string {
  return `${scopeText(scope)} is paused by ${by}${reason === "" ? "" : `: ${reason}`}`;
}
