import { z } from "zod";
import { type Caller, mayUse } from "#domain/caller";
import { Fault } from "#domain/fault";
import { limits } from "#domain/limits";
import { clip } from "#domain/text";
import type { Hello, WorkerInfo, WorkerProtocol } from "#domain/worker";
import { resumedFromWire } from "#wire/convert-report";
import { workerInfoFromWire } from "#wire/convert-worker";
import type { WorkerHello } from "#wire/gen/taskrun/v1/run_service_pb";
import { atMost, checked, freeText, labels, optionalName, requiredName, within } from "./validate.js";

const words = atMost(limits.labels, freeText(limits.labelBytes));

const agent = z.object({
  name: requiredName("the name that Tasks ask for"),
  labels,
  backends: atMost(
    limits.backendsPerAgent,
    z.object({
      provider: optionalName,
      modelName: optionalName,
      modalities: words,
      tools: words,
      metadata: labels,
    }),
  ),
});

const hello = z.object({
  info: z.object(
    {
      workerId: z.string().regex(/^[A-Za-z0-9_.:-]{1,256}$/, {
        error: 'must be 1 to 256 letters, digits, "-", "_", "." or ":": name the worker accordingly.',
      }),
      hostname: optionalName,
      version: optionalName,
      agents: atMost(limits.agentsPerWorker, agent),
      labels,
      maxConcurrentRuns: within(0, limits.maxRunsPerWorker, "Runs at a time, where 0 means the default"),
      namespaces: atMost(limits.namespacesPerWorker, optionalName),
    },
    { error: "is required: say who the worker is and what it can execute." },
  ),
  resume: z
    .array(z.object({ runId: requiredName("the run_id of the assignment") }))
    .max(limits.maxRunsPerWorker, {
      error: `has more entries than the ${limits.maxRunsPerWorker} Runs a worker may hold: leave out ended Runs.`,
    }),
  instance: optionalName,
});

/**
 * A worker's first words.
 *
 * @throws {Fault} `invalid`, naming the field; `denied` if it names a namespace the caller may not use
 */
export function helloOf(message: WorkerHello, caller: Caller): Hello {
  checked(hello, message);
  const { info: wireInfo, instance, resume } = message;
  if (!wireInfo) throw new Fault("invalid", "info is required", { field: "info" });

  const info = shortened(workerInfoFromWire(wireInfo));
  const foreign = info.namespaces.find((namespace) => !mayUse(caller, namespace));
  if (foreign !== undefined) {
    const message = `namespace "${foreign}" is not yours to work for; name your own, or none.`;
    throw new Fault("denied", message, { field: "info.namespaces" });
  }

  // What a later protocol adds is left out by one that speaks an earlier one.
  const protocol = Math.min(message.protocol, LATEST) as WorkerProtocol;
  return {
    info,
    protocol,
    instance: protocol === 0 ? "" : instance,
    capacity: wireInfo.maxConcurrentRuns || limits.defaultRunsPerWorker,
    resume: protocol === 0 ? [] : resume.map(resumedFromWire),
  };
}

/** The latest protocol that is spoken here. */
const LATEST: WorkerProtocol = 2;

/** A description is for people only: no worker is turned away for a long one. */
function shortened(info: WorkerInfo): WorkerInfo {
  const agents = info.agents.map((agent) => {
    return { ...agent, description: clip(agent.description, limits.descriptionBytes) };
  });
  return { ...info, agents };
}
