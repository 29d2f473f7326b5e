import { z } from "zod";
import { type Caller, ownNamespace } from "#domain/caller";
import { Fault } from "#domain/fault";
import type { WorkerId } from "#domain/id";
import { EVERY_NAMESPACE, type PauseScope, pauseKinds, THE_PLANE } from "#domain/pause/pause";
import type { Request } from "../use-case.js";
import { oneOf, optionalName, required } from "../validate.js";

/** The scope of a request. */
export const scope = required(
  z.object(
    {
      kind: oneOf(pauseKinds),
      namespace: optionalName,
      name: optionalName,
      principal: optionalName,
    },
    { error: "is required: say what is paused." },
  ),
);

type AskedScope = z.output<typeof scope>;

const names = {
  agent: "the name of an agent, as ListAgents shows it",
  template: "the name of a template, as TemplateService.List shows it",
  worker: "the id of a Worker, as ListWorkers shows it",
} as const;

/**
 * The scope that is meant, with its defaults filled in and without fields that its kind does not have.
 *
 * @throws {Fault} `invalid` if a field is missing, or says what its kind cannot
 */
export async function scopeOf(asked: AskedScope, { caller, services }: Request): Promise<PauseScope> {
  const { kind, name, principal } = asked;
  if (kind === "plane") return THE_PLANE;
  const namespace = namespaceOf(asked, caller);
  if (kind === "namespace") return { kind, namespace, name: "", principal: "" };
  if (name === "") throw invalid("scope.name", `is required: send ${names[kind]}.`);
  if (kind !== "worker") return { kind, namespace, name, principal: "" };
  const owner = principal || (await services.plane.ownerOf(caller, name as WorkerId));
  return { kind, namespace: "", name, principal: owner };
}

function namespaceOf({ kind, namespace }: AskedScope, caller: Caller): string {
  if (namespace === EVERY_NAMESPACE && (kind === "namespace" || kind === "template"))
    throw invalid(
      "scope.namespace",
      `is "*": name one, or pause ${kind === "namespace" ? "the plane" : "an agent"}.`,
    );
  return namespace === "" ? ownNamespace(caller) : namespace;
}

function invalid(field: string, what: string): Fault {
  return new Fault("invalid", `${field} ${what}`, { field });
}
