import { nearest } from "#domain/nearest";
import { utf8Bytes } from "#domain/text/text";
import { limits } from "#limits/index";
import { schemaProblem } from "#standard-schema/check";
import type { AgentDefinition } from "./agent.js";
import { backendOf, labelsOf, textOf } from "./checks.js";
import { kindOf } from "./kind-of.js";
import { policiesOf } from "./policies.js";

const keys = [
  "name",
  "description",
  "labels",
  "backends",
  "input",
  "output",
  "retry",
  "timeoutMs",
  "concurrency",
  "run",
] as const satisfies (keyof AgentDefinition)[];

/**
 * Checks the whole definition of an agent, which may be untyped.
 *
 * @throws {RangeError | TypeError} naming the agent, the part that is wrong, and the way out
 */
export function checkDefinition(definition: unknown): void {
  if (typeof definition !== "object" || definition === null || Array.isArray(definition)) {
    throw new TypeError(`agent() takes an object with a name and run, not ${kindOf(definition)}`);
  }
  const {
    name,
    description = "",
    labels = {},
    backends = [],
    run,
    ...rest
  } = definition as Partial<AgentDefinition>;
  checkName(name);
  const of = `agent ${name}: `;
  checkKeys(definition, name);
  if (typeof run !== "function") throw new TypeError(`agent ${name} needs run, a function`);
  textOf(description, `${of}description`);
  labelsOf(labels, `${of}labels`);
  checkBackends(backends, of);
  for (const side of ["input", "output"] as const) {
    const problem = rest[side] === undefined ? undefined : schemaProblem(rest[side]);
    if (problem !== undefined) throw new TypeError(`agent ${name}: ${side} ${problem}`);
  }
  policiesOf(rest, of);
}

/** @throws {RangeError} if an agent cannot have this name */
export function checkName(name: unknown): asserts name is string {
  if (typeof name !== "string" || name === "") throw new RangeError("an agent needs a name");
  if (utf8Bytes(name) > limits.idBytes) {
    throw new RangeError(`agent name ${name.slice(0, 40)}… is over ${limits.idBytes} bytes`);
  }
}

/** @param of begins the messages, for example `agent greet: ` */
export function checkBackends(backends: unknown, of: string): void {
  if (!Array.isArray(backends)) throw new TypeError(`${of}backends is ${kindOf(backends)}, not an array`);
  if (backends.length > limits.backendsPerAgent) {
    const most = `an agent may have ${limits.backendsPerAgent}`;
    throw new RangeError(`${of}backends has ${backends.length} entries; ${most}: name fewer`);
  }
  for (const [i, backend] of backends.entries()) backendOf(backend, `${of}backends[${i}]`);
}

/** A key that is not known would have no effect, although its author expects one. */
function checkKeys(definition: object, name: string): void {
  for (const key of Object.keys(definition)) {
    if ((keys as readonly string[]).includes(key)) continue;
    const near = nearest(key, keys);
    const meant = near === undefined ? `it has ${keys.join(", ")}` : `did you mean ${near}?`;
    throw new TypeError(
      `agent ${name} has the key ${JSON.stringify(key.slice(0, 64))}, which is not known: ${meant}`,
    );
  }
}
