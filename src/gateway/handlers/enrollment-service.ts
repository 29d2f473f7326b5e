import { enroll } from "#api/enrolment/enroll";
import type { WorkerIdentity } from "#api/enrolment/enrolment";
import { inviteWorkers } from "#api/enrolment/invite-workers";
import { listEnrolledWorkers } from "#api/enrolment/list-enrolled-workers";
import { renewCertificate } from "#api/enrolment/renew-certificate";
import { revokeWorker } from "#api/enrolment/revoke-worker";
import type { EnrolledWorker } from "#domain/access/enrolment";
import { workerUri } from "#domain/access/spiffe";
import {
  EnrollmentService,
  type InviteWorkersRequest,
  type InviteWorkersResponse,
  type ListEnrolledWorkersResponse,
  type WorkerIdentity as WireIdentity,
  type EnrolledWorker as WireWorker,
} from "#wire/gen/taskrun/v1/enrollment_service_pb";
import { asIs, unary } from "../rpc.js";

/** The EnrollmentService: workers get their certificates, and operators say who may have one. */
export const enrollmentService = [
  unary(EnrollmentService.method.inviteWorkers, inviteWorkers, invited, invitations),
  unary(EnrollmentService.method.enroll, enroll, asIs, identityToWire),
  unary(EnrollmentService.method.renewCertificate, renewCertificate, asIs, identityToWire),
  unary(
    EnrollmentService.method.listEnrolledWorkers,
    listEnrolledWorkers,
    () => ({}),
    (workers): ListEnrolledWorkersResponse => {
      return { $typeName: "taskrun.v1.ListEnrolledWorkersResponse", workers: workers.map(workerToWire) };
    },
  ),
  unary(EnrollmentService.method.revokeWorker, revokeWorker, asIs, workerToWire),
];

function invited({ ttlMs: ttl, ...said }: InviteWorkersRequest) {
  return { ...said, ttl };
}

function invitations(made: {
  readonly invitations: readonly {
    readonly row: { readonly worker: { readonly name: string }; readonly endsAt: number };
    readonly text: string;
  }[];
  readonly pin: string;
}): InviteWorkersResponse {
  return {
    $typeName: "taskrun.v1.InviteWorkersResponse",
    invitations: made.invitations.map(({ row, text }) => ({
      $typeName: "taskrun.v1.Invitation",
      name: row.worker.name,
      token: text,
      expiresAtMs: BigInt(row.endsAt),
    })),
    caPin: made.pin,
  };
}

function identityToWire({ worker, cert, chain, root, notAfter, renewAfter }: WorkerIdentity): WireIdentity {
  return {
    $typeName: "taskrun.v1.WorkerIdentity",
    workerId: worker.name,
    spiffeId: workerUri(worker),
    certificate: cert,
    chain,
    caCertificate: root,
    expiresAtMs: BigInt(notAfter),
    renewAfterMs: BigInt(renewAfter),
  };
}

function workerToWire(row: EnrolledWorker): WireWorker {
  const { worker, namespaces, labels, agents, enrolledAt, invitedBy, endsAt, revokedAt } = row;
  return {
    $typeName: "taskrun.v1.EnrolledWorker",
    ...worker,
    spiffeId: workerUri(worker),
    namespaces: namespaces === "*" ? ["*"] : [...namespaces],
    labels: { ...labels },
    agents: [...agents],
    enrolledAtMs: BigInt(enrolledAt),
    invitedBy,
    expiresAtMs: BigInt(endsAt),
    revokedAtMs: BigInt(revokedAt),
  };
}
