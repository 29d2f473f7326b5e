import { z } from "zod";
import type { WorkerCertificate } from "#domain/access/enrolment";
import type { Caller } from "#domain/caller";
import type { RunId, WorkerId } from "#domain/id";
import { clip } from "#domain/text/text";
import { wholeNumber } from "#domain/text/whole-number";
import type { AgentSpec, Hello, WorkerInfo, WorkerProtocol } from "#domain/worker/worker";
import { isWorkerId, WORKER_ID_FORM } from "#domain/worker/worker-id";
import { limits } from "#limits/index";
import type { WorkerLink, WorkerSink } from "#ports/plane";
import { admit } from "../enrolment/admit.js";
import { noteRefusal, useCase } from "../use-case.js";
import { atMost, freeText, labels, optionalName, required, requiredName, within } from "../validate.js";
import { announcedFields, announcementOf } from "./announced.js";

/** A Worker whose hello was accepted. Call `connect` to attach its stream. */
export interface Introduced {
  /** To be passed to the link as the first report. */
  readonly hello: Hello;
  /** The record of the certificate that it has shown; absent for a worker that is known by something else. */
  readonly certificate: WorkerCertificate | undefined;
  /** @param sink writes the plane's frames to the Worker */
  connect(sink: WorkerSink): WorkerLink;
}

const words = atMost(limits.labels, freeText(limits.labelBytes));

const agent = z.object({
  name: requiredName("the name that Tasks ask for"),
  // For people only: cut rather than refused if it is too long.
  description: z.string().transform((text) => clip(text, limits.descriptionBytes)),
  labels,
  backends: atMost(
    limits.backendsPerAgent,
    z.object({
      provider: optionalName,
      modelName: optionalName,
      contextWindow: z.number(),
      supportsStreaming: z.boolean(),
      modalities: words,
      tools: words,
      metadata: labels,
    }),
  ),
  ...announcedFields,
});

const info = z.object(
  {
    workerId: z
      .string()
      .refine(isWorkerId, { error: `must be ${WORKER_ID_FORM}: name the worker accordingly.` }),
    hostname: optionalName,
    version: optionalName,
    agents: atMost(limits.agentsPerWorker, agent),
    labels,
    maxConcurrentRuns: within(0, limits.maxRunsPerWorker, "Runs at a time, where 0 means the default"),
    namespaces: atMost(limits.namespacesPerWorker, requiredName("a namespace, or an empty list for all")),
  },
  { error: "is required: say who the worker is and what it can execute." },
);

const resumed = z.object({
  runId: requiredName("the run_id of the assignment"),
  fence: z.number(),
  nextSeq: z.custom<bigint | number>(),
});

const input = z.object({
  info: required(info),
  resume: z.array(resumed).max(limits.maxRunsPerWorker, {
    error: `has more entries than the ${limits.maxRunsPerWorker} Runs a worker may hold: leave out ended Runs.`,
  }),
  instance: optionalName,
  protocol: z.number(),
  incarnation: optionalName.optional(),
});

/** StreamConnect: registers a Worker with its agents, its namespaces and the Runs that it still holds. */
export const connectWorker = useCase({
  action: "worker.connect",
  input,
  find: async ({ info: { workerId, namespaces, labels, agents }, protocol }, request) => {
    const { caller, services } = request;
    const claims = { workerId, namespaces, labels, agents, drawsItsId: protocol < 1 };
    const resource = { kind: "new_worker" as const, id: workerId as WorkerId, namespaces };
    const admitted = await admit(caller, claims, services.enrolment).catch((error: unknown) => {
      noteRefusal("worker.connect", { ...resource, caller }, error, request);
      throw error;
    });
    return { resource: { ...resource, caller: admitted.caller }, admitted };
  },
  perform: (asked, { services: { plane } }, { admitted: { caller, labels, certificate } }): Introduced => {
    const hello = helloOf(asked, caller);
    const info = labels ? { ...hello.info, labels } : hello.info;
    return { hello: { ...hello, info }, certificate, connect: (sink) => plane.connect(caller, sink) };
  },
});

/** The latest supported protocol version. */
const LATEST: WorkerProtocol = 2;

/** The hello with the protocol version to use: the Worker's own, but at most {@link LATEST}. */
function helloOf(
  { info: said, instance, resume, protocol: spoken, incarnation = "" }: z.output<typeof input>,
  caller: Caller,
): Hello {
  const protocol = Math.min(spoken, LATEST) as WorkerProtocol;
  const { maxConcurrentRuns, workerId, agents, ...rest } = said;
  // None stands for all of its caller's, which for the plane must be named unless they are all there are.
  const named = rest.namespaces.length > 0 || caller.namespaces === "*";
  const namespaces = named ? rest.namespaces : caller.namespaces;
  const info: WorkerInfo = {
    ...rest,
    namespaces,
    workerId: workerId as WorkerId,
    agents: agents.map(specOf),
  };
  return {
    info,
    protocol,
    instance: protocol === 0 ? "" : instance,
    capacity: maxConcurrentRuns || limits.defaultRunsPerWorker,
    resume: protocol === 0 ? [] : resume.map(resumedRun),
    ...(incarnation !== "" && { incarnation }),
  };
}

function specOf({ name, description, labels, backends, ...said }: z.output<typeof agent>): AgentSpec {
  const announced = announcementOf(said);
  return { name, description, labels, backends, ...(announced && { announced }) };
}

function resumedRun({ runId, fence, nextSeq }: z.output<typeof resumed>) {
  return { runId: runId as RunId, fence, nextSeq: wholeNumber(nextSeq, "resume.next_seq") };
}
