import { z } from "zod";
import { isSegment, SEGMENT_FORM } from "#domain/access/spiffe";
import { type Caller, mayUse, ownNamespace } from "#domain/caller";
import { Fault } from "#domain/fault";
import { limits } from "#limits/index";
import { lasting, ofServer } from "../access/fields.js";
import { useCase } from "../use-case.js";
import { atMost, labels, optionalName, requiredName, within } from "../validate.js";
import type { Invited } from "./enrolment.js";
import { enrolmentOf } from "./fields.js";

const workerName = z.string().refine((text) => isSegment(text) && text.length <= limits.workerNameChars, {
  error: `must be ${SEGMENT_FORM}: name the worker accordingly.`,
});

/** InviteWorkers: tokens, each for one worker. */
export const inviteWorkers = useCase({
  action: "worker.invite",
  input: z.object({
    name: workerName,
    count: within(0, limits.invitesAtOnce, "workers, where 0 is one"),
    namespaces: atMost(limits.namespacesPerWorker, z.union([z.literal("*"), optionalName])),
    labels,
    agents: atMost(limits.agentsPerWorker, requiredName("the name of an agent")),
    ttl: lasting(limits.inviteLifeMost, limits.inviteLife),
  }),
  find: ofServer,
  perform: async ({ name, count, ttl, ...said }, request) => {
    const enrolment = enrolmentOf(request);
    const namespaces = namespacesFor(request.caller, said.namespaces);
    const namespace = namespaces === "*" ? ownNamespace(request.caller) : (namespaces[0] ?? "");
    if (!isSegment(namespace)) {
      const message = `namespaces: "${namespace}" cannot be part of an identity, which takes ${SEGMENT_FORM}: name another one first.`;
      throw new Fault("invalid", message, { field: "namespaces" });
    }
    const { labels: has, agents } = said;
    const of = (each: string): Invited => {
      return { worker: { namespace, name: each }, namespaces, labels: has, agents, ttl };
    };
    const names = count > 1 ? Array.from({ length: count }, (_, i) => `${name}-${i + 1}`) : [name];
    return { invitations: await enrolment.invite(request.caller, names.map(of)), pin: enrolment.pin };
  },
});

/** @throws {Fault} `denied` for a namespace that is not the caller's */
function namespacesFor(caller: Caller, wanted: readonly string[]): readonly string[] | "*" {
  if (wanted.length === 0) return caller.namespaces;
  const isAll = wanted.includes("*");
  const foreign = isAll
    ? caller.namespaces !== "*"
    : wanted.some((namespace) => namespace === "" || !mayUse(caller, namespace));
  if (!foreign) return isAll ? "*" : [...new Set(wanted)];
  const message = "a worker for these namespaces may do more than you: ask for no more than you may do.";
  throw new Fault("denied", message, { field: "namespaces", reason: "BEYOND_YOURS" });
}
