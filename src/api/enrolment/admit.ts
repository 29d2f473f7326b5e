import { type EnrolledWorker, enrolledId, type WorkerCertificate } from "#domain/access/enrolment";
import type { Caller } from "#domain/caller";
import { Fault } from "#domain/fault";
import type { Labels } from "#domain/task/task";
import type { Enrolment } from "./enrolment.js";

/** What a hello says of its worker, as far as the server's record has a say in it. */
export interface Claims {
  readonly workerId: string;
  readonly namespaces: readonly string[];
  readonly labels: Labels;
  readonly agents: readonly { readonly name: string }[];
  /** True for a worker of the public protocol, which draws its id at each start. */
  readonly drawsItsId: boolean;
}

/** A worker as the server knows it. */
export interface Admitted {
  readonly caller: Caller;
  /** Absent for a worker that is known by something else than a certificate: it is what it says. */
  readonly labels?: Labels;
  /** The record of the certificate that it has shown; absent likewise. */
  readonly certificate?: WorkerCertificate | undefined;
}

/**
 * Compares what a worker says of itself with the server's record of it. A worker without a certificate is what it says.
 *
 * @throws {Fault} `unauthenticated` if its certificate is not to be used any more; `denied` if it claims what it is not
 */
export async function admit(
  caller: Caller,
  claims: Claims,
  enrolment: Enrolment | undefined,
): Promise<Admitted> {
  if (!caller.certificate || !enrolment) return { caller };
  const record = await enrolment.admit(caller.certificate);
  await checkId(record, claims, enrolment);
  const { namespaces, labels, agents } = record;
  const foreign = claims.namespaces.find((each) => namespaces !== "*" && !namespaces.includes(each));
  if (foreign !== undefined) throw beyond("info.namespaces", `work for namespace "${foreign}"`);
  const label = Object.keys(claims.labels).find((name) => labels[name] !== claims.labels[name]);
  if (label !== undefined) throw beyond("info.labels", `have the label ${label}=${claims.labels[label]}`);
  const agent = claims.agents.find(({ name }) => agents.length > 0 && !agents.includes(name));
  if (agent) throw beyond("info.agents", `run the agent "${agent.name}"`);
  const { serial } = caller.certificate;
  const certificate = record.certificates.find((each) => each.serial === serial);
  if (certificate) await enrolment.acknowledge(record, certificate);
  return { caller: { ...caller, namespaces }, labels, certificate };
}

async function checkId(record: EnrolledWorker, claims: Claims, enrolment: Enrolment): Promise<void> {
  const { worker } = record;
  if (claims.workerId === worker.name) return;
  if (!claims.drawsItsId) throw foreignId(worker.name);
  // An id that is drawn is an instance of this worker; but it must not pass for another one.
  const id = enrolledId({ ...worker, name: claims.workerId });
  if (await enrolment.store.get("worker", id)) throw foreignId(worker.name);
}

function foreignId(name: string): Fault {
  const message = `info.worker_id is another worker's: this certificate is for "${name}".`;
  return new Fault("denied", message, { field: "info.worker_id", reason: "WORKER_ID_FOREIGN" });
}

function beyond(field: string, what: string): Fault {
  const message = `${field}: this worker was not invited to ${what}; leave it out, or invite the worker anew.`;
  return new Fault("denied", message, { field, reason: "BEYOND_INVITATION" });
}
