import { authorize } from "#api/authorize";
import { noFacts } from "#api/config/server-facts";
import { InputReads } from "#api/runs/input-reads";
import { ClientPlans } from "#api/templates/plans";
import { type Request, type Services, StoredReads } from "#api/use-case";
import { SubmittedAgents } from "#api/workers/submitted-agents";
import { TasksInHand } from "#api/workers/tasks-in-hand";
import { RoleTable } from "#domain/access/roles";
import { type Caller, LOCAL_CALLER } from "#domain/caller";
import { jsonSchemas } from "#host/schemas";
import type { Plane } from "#ports/plane";

/** What use cases work with, over a plane that a test made. */
export function servicesFor(plane: Plane, part: Partial<Services> = {}): Services {
  let drawn = 0;
  return {
    plane,
    stored: new StoredReads(plane.reads),
    entropy: { uuid: () => `id-${++drawn}`, draw: () => 0 },
    schemas: jsonSchemas(),
    environment: "test",
    facts: { ...noFacts, startedAt: plane.now() },
    plans: new ClientPlans(),
    inputs: new InputReads(plane.reads),
    submitted: new SubmittedAgents([]),
    inHand: new TasksInHand(),
    authorize,
    roles: new RoleTable(),
    ...part,
  };
}

/** A request of somebody, whose answer always has room. */
export function requestOf(services: Services, caller: Caller = LOCAL_CALLER): Request {
  return { services, caller, reserve: () => undefined };
}
