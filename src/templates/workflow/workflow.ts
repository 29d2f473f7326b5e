import type { JsonObject } from "#domain/json/json";
import type { TemplateBody, TemplateStep } from "#domain/template/template";
import type { Finding } from "../read/finding.js";
import { readTemplate } from "../read/read.js";
import { Builder } from "./builder.js";
import { checkNames } from "./option-names.js";
import type { OverrideOptions, Schema, StepHandle, StepRef, ValueOf, WorkflowOptions } from "./options.js";
import type { Workflow } from "./type.js";
import { type Loose, schemaOf, triedAs } from "./write-step.js";

/** The steps that a Task ends with: one, whose result is the Task's, or several, whose results are keyed by their names. */
type Ends = StepRef | Readonly<Record<string, StepRef>>;

type EndResult<Returned> =
  Returned extends StepHandle<infer Result>
    ? Result
    : Returned extends Readonly<Record<string, StepRef>>
      ? { [Name in keyof Returned]: Returned[Name] extends StepHandle<infer Result> ? Result : never }
      : unknown;

type Build<Input, Returned> = (w: Builder<Input>) => Returned;

/**
 * Makes a template in code. `build` adds the steps and returns those that a Task ends with, one or an object of several,
 * which types the result; if it returns nothing, the result is `unknown`.
 *
 * @throws {RangeError} listing every error: the same rules apply as to a template in YAML
 *
 * @example
 * ```ts
 * import { workflow } from "taskrun/templates";
 * import { z } from "zod";
 *
 * const input = z.object({ to: z.string() });
 * const trip = workflow("trip", { version: "1.0.0", input }, (w) => {
 *   const cancel = w.compensation("cancel_flight", { agent: "cancel" });
 *   const flight = w.step("flight", { agent: "book", compensate: cancel });
 *   return w.step("hotel", { agent: "book", after: [flight], retry: { maxAttempts: 5 } });
 * });
 * ```
 */
export function workflow<Returned>(
  name: string,
  build: Build<unknown, Returned>,
): Workflow<unknown, EndResult<Returned>>;
export function workflow<Input extends Schema = JsonObject, Returned = undefined>(
  name: string,
  options: WorkflowOptions<Input>,
  build: Build<ValueOf<Input>, Returned>,
): Workflow<ValueOf<Input>, EndResult<Returned>>;
export function workflow(
  name: string,
  first: WorkflowOptions<Schema> | Build<unknown, unknown>,
  second?: Build<unknown, unknown>,
): Workflow<unknown, unknown> {
  const [options, build] = typeof first === "function" ? [{}, first] : [first, second];
  checkNames(options, "workflow", `workflow ${name}`);
  if (typeof build !== "function") {
    throw new RangeError(`workflow ${name} needs a function that adds its steps, such as (w) => w.step(…)`);
  }
  const builder = new Builder<unknown>();
  const returned = build(builder);
  if (returned instanceof Promise) {
    returned.catch(() => {});
    throw new RangeError(`the function of workflow ${name} is async: it adds all steps before it returns`);
  }
  const source = `${JSON.stringify(bodyOf(name, options, builder), null, 2)}\n`;
  const { template, findings } = readTemplate(source);
  if (!template) throw new RangeError(`workflow ${name} is no valid template: ${messages(findings)}`);

  const { body, digest } = template;
  if (isEnds(returned)) checkEnds(name, body, returned);
  const { namespace_name: namespace, version } = body;
  return { namespace, name, version, body, source, digest, findings };
}

function bodyOf(
  name: string,
  options: WorkflowOptions<Schema>,
  { steps }: Builder<unknown>,
): Loose<TemplateBody> {
  const { namespace = "default", version = "1.0.0", maxDurationMinutes, environments } = options;
  return {
    name,
    namespace_name: namespace,
    version,
    description: options.description,
    metadata: options.metadata,
    input_schema: schemaOf(options.input, `workflow ${name}: input`),
    steps: steps as readonly TemplateStep[],
    environments: environments && environmentsOf(environments),
    lifecycle: maxDurationMinutes === undefined ? undefined : { max_duration_minutes: maxDurationMinutes },
    identity_strategy: options.identity,
    identity_window_seconds: options.identityWindowSeconds,
    hold_on_failure: options.holdOnFailure,
  };
}

function environmentsOf(
  environments: Readonly<Record<string, Readonly<Record<string, OverrideOptions>>>>,
): NonNullable<TemplateBody["environments"]> {
  const made = Object.entries(environments).map(([environment, overrides]) => {
    const steps = Object.entries(overrides).map(([name, override]) => {
      const owner = `environment ${environment}, step ${name}`;
      checkNames(override, "override", owner);
      return {
        name,
        ...(override.config && { handler: { initialization: override.config } }),
        ...triedAs(override, owner),
      };
    });
    return [environment, { steps }];
  });
  return Object.fromEntries(made);
}

function messages(findings: readonly Finding[]): string {
  const errors = findings.filter(({ severity }) => severity === "error");
  return errors.map(({ message }) => message).join("; ");
}

/** Checks that the returned steps are exactly those without dependants, whose results make the Task's result. */
function checkEnds(name: string, { steps }: TemplateBody, returned: Ends): void {
  const one = isHandle(returned);
  const said = one ? [returned.name] : Object.entries(returned).map(([key, handle]) => keyed(key, handle));
  const followed = new Set(
    steps.flatMap(({ dependencies = [], compensate = "" }) => [...dependencies, compensate]),
  );
  const ends = steps.filter((step) => !followed.has(step.name) && step.type !== "timer");
  const wrong = said.filter((step) => followed.has(step));
  const unsaid = ends.filter((step) => !said.includes(step.name)).map((step) => step.name);
  if (wrong.length > 0)
    throw new RangeError(`workflow ${name} does not end with ${wrong.join(", ")}: steps follow`);
  if (unsaid.length > 0) {
    throw new RangeError(
      `workflow ${name} also ends with ${unsaid.join(", ")}: return an object of all of them`,
    );
  }
}

function keyed(key: string, { name }: StepRef): string {
  if (key === name) return name;
  throw new RangeError(
    `the result of step ${name} is returned as ${key}: in the Task's result it has its own name`,
  );
}

function isEnds(returned: unknown): returned is Ends {
  return typeof returned === "object" && returned !== null;
}

function isHandle(ends: Ends): ends is StepRef {
  return ends.kind === "step" && typeof ends.name === "string";
}
