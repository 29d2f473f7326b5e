import type { StepOverride, StepType, TemplateBody, TemplateStep } from "#domain/template/template";
import { limits } from "#limits/index";
import { type FindingCode, type Findings, shown } from "../read/finding.js";
import type { Reader } from "../read/reader.js";
import type { Subject } from "./subject.js";

/** A key about attempts of an agent. */
type TryKey = "timeout_seconds" | "retry";

/** For step types without an agent: keys that have no effect there, and what to use instead. */
const withoutEffect: Partial<Record<StepType, Partial<Record<TryKey, string>>>> = {
  signal: {
    timeout_seconds: "signal.timeout_ms says how long it waits",
    retry: "it is waited for once, as long as signal.timeout_ms says",
  },
  timer: {
    timeout_seconds: "timer.delay_ms says how long it waits",
    retry: "it does not fail: take it out",
  },
  child_task: {
    timeout_seconds:
      "a child keeps to its own limits: lifecycle.max_duration_minutes of its template, timeout_seconds of its steps",
  },
};

/** Checks signals, timers and child Tasks, and finds keys that have no effect on them. */
export function checkAgentless(
  body: TemplateBody,
  subject: Subject,
  reader: Reader,
  findings: Findings,
): void {
  /** Reports a finding at a key of one of the step's parts. */
  const say = (code: FindingCode, message: string, { name }: TemplateStep, part: object, key: string) =>
    findings.add(code, message, reader.offsetOf(part, key), name);

  checkSignals(subject, say);
  for (const step of subject.steps) checkChildTemplate(step, body, say);
  checkEffects(body, subject, reader, findings);
}

type Say = (code: FindingCode, message: string, step: TemplateStep, part: object, key: string) => void;

/** Signal names must be unique, because SignalTask addresses a step by its signal. */
function checkSignals({ byName }: Subject, say: Say): void {
  const waiting = new Map<string, string>();
  for (const step of byName.values()) {
    const { name, type, signal } = step;
    if (type !== "signal") continue;
    const called = signal?.name ?? name;
    const other = waiting.get(called);
    if (other === undefined) {
      waiting.set(called, name);
      continue;
    }
    const message = `${other} waits for the signal ${shown(called)} too, so a payload could not say which of the two it is for: give ${name} another signal.name`;
    if (signal?.name === undefined) say("DUPLICATE_SIGNAL", message, step, step, "name");
    else say("DUPLICATE_SIGNAL", message, step, signal, "name");
  }
}

function checkChildTemplate(step: TemplateStep, body: TemplateBody, say: Say): void {
  const { name, type, child } = step;
  const template = child?.template;
  const { namespace_name: own } = body;
  if (type !== "child_task" || !template || own === undefined) return;

  const { namespace = "", version = body.version } = template;
  if (namespace !== "" && namespace !== own) {
    const message = `${name} is a Task of namespace ${shown(namespace)}, and a child is of its parent's, ${shown(own)}: register its template there, and leave namespace out`;
    say("FOREIGN_TEMPLATE", message, step, template, "namespace");
  } else if (template.name !== undefined && template.name === body.name && version === body.version) {
    const message = `${name} is a Task of this very template, and so is that one's ${name}, until one fails for standing ${limits.taskDepth} deep: name another template, or let a decision say whether it is made`;
    say("SELF_TEMPLATE", message, step, template, "name");
  }
}

/** Overrides for ALL are not reported: they apply to the steps on which they have an effect. */
function checkEffects(
  body: TemplateBody,
  { steps, byName }: Subject,
  reader: Reader,
  findings: Findings,
): void {
  const check = (part: TemplateStep | StepOverride, type: StepType | undefined, label: string) => {
    for (const [key, instead] of Object.entries((type && withoutEffect[type]) ?? {})) {
      if (part[key as TryKey] === undefined) continue;
      const message = `${label}.${part.name}.${key} has no effect on a step of type ${type}: ${instead}`;
      findings.add("NO_EFFECT", message, reader.offsetOfKey(part, key), part.name);
    }
  };
  for (const step of steps) check(step, step.type, "steps");
  for (const [environment, { steps: overrides = [] }] of Object.entries(body.environments ?? {})) {
    for (const override of overrides) {
      check(override, byName.get(override.name)?.type, `environments.${environment}.steps`);
    }
  }
}
