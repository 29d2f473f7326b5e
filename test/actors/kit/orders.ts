import { expect } from "vitest";
import type { AddressedMessage } from "#actors/commands";
import type { ResolveAction } from "#domain/task/step";
import type { TemplateBody } from "#domain/template/template";
import { plan, planDraft, registered } from "./plans.js";
import { caller, t1 } from "./rows.js";
import { type Searched, search } from "./search.js";
import type { Story, Word } from "./story.js";

export const cancel: AddressedMessage = {
  to: "task-finalizer",
  message: { type: "cancel", caller, taskId: t1, message: "not needed" },
};

export function signal(payload: string): AddressedMessage {
  const message = {
    type: "signal",
    caller,
    taskId: t1,
    signal: "go",
    payload,
    reason: "",
    requestId: "",
  } as const;
  return { to: "task-finalizer", message };
}

export function resolve(stepName: string, action: ResolveAction): AddressedMessage {
  return {
    to: "task-finalizer",
    message: { type: "resolve", caller, taskId: t1, stepName, action, reason: "" },
  };
}

/** Last words by Run; every other Run brings its Step's name. */
export function words(some: Readonly<Record<string, Word>> = {}): Story["word"] {
  return ({ taskId, name }, fence) =>
    some[`${taskId === t1 ? "" : `${taskId}/`}${name}#${fence}`] ?? { ok: name };
}

export const fails: Word = { fails: "no" };
export const failsForGood: Word = { fails: "no", forGood: true };
export const retry = { max_attempts: 2, backoff: "linear", backoff_base_ms: 100, jitter: 0 } as const;

/** Looks at every order; whatever was wrong on the way is wrong here. */
export async function all(story: Story): Promise<Searched> {
  const searched = await search(story);
  expect(searched.wrong).toEqual([]);
  return searched;
}

interface Ends {
  readonly searched: string;
  /** How the Tasks can end, and perhaps their Steps, with their tries. */
  readonly ends: readonly string[];
}

/** How the Tasks can end; what their Steps were doing then is too much to list if anything may end them. */
export function ends({ interleavings, situations, ends }: Searched, shown = tasksOnly): Ends {
  const every = [...ends.values()].flatMap((each) => [...each]);
  return {
    searched: `${interleavings} orders, ${situations} situations`,
    ends: [...new Set(every.map(shown))].sort(),
  };
}

const tasksOnly = (end: string) => end.replaceAll(/" [^;]*/g, '"');
export const withSteps = (end: string) => end;

/** Sets of events that lead to more than one end of the Task: then their order alone has made the difference. */
export function undecided({ ends }: Searched): string[][] {
  const tasks = [...ends.values()].map((each) => [...new Set([...each].map(tasksOnly))]);
  return tasks.filter(({ length }) => length > 1);
}

/** A Task of a template that is registered. */
export function of(body: TemplateBody, ...others: TemplateBody[]): Pick<Story, "draft" | "templates"> {
  return {
    draft: planDraft(plan(body.steps, body)),
    templates: [body, ...others].map((one) => registered(one)),
  };
}
