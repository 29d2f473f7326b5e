import type { Enrolment } from "#api/enrolment/enrolment";
import { LOCAL_CALLER } from "#domain/caller";
import { millis } from "#domain/time/time";
import { makeKey, requestFor } from "#worker/identity/csr";
import type { Asked, World } from "./situations.js";

const CHANGED =
  "name: fulfil\nnamespace_name: orders\nversion: 0.9.0\nsteps:\n  - name: pack\n    handler: { callable: other }\n";

export interface Also extends Asked {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** What the plane refuses by its state. */
  readonly plane?: "signal" | "resolve" | "register" | "updateDeadLetter" | "submit";
  /** Makes what is asked for, and says what of the request follows from it. */
  readonly made?: (world: World) => Promise<Asked>;
  /** Whether nobody is asked for a credential. */
  readonly plain?: boolean;
}

/** Requests beside the ordinary one of an operation, and what comes of them: what its sample does not reach. */
export const also: Readonly<Record<string, readonly Also[]>> = {
  "POST /v1/tasks/{id}:cancel": [{ path: { id: "done" }, body: {}, status: 409 }],
  "POST /v1/tasks/{id}:retry": [{ path: { id: "cancel-me" }, body: {}, status: 409 }],
  "POST /v1/tasks/{id}:fork": [{ path: { id: "cancel-me" }, body: {}, status: 409 }],
  "POST /v1/tasks/{id}:signal": [{ path: { id: "done" }, plane: "signal", status: 409 }],
  "POST /v1/tasks/{task_id}:resolve": [{ plane: "resolve", status: 409 }],
  "POST /v1/tasks/{task_id}/steps/{step_name}:resolve": [{ plane: "resolve", status: 409 }],
  "POST /v1/tasks:run": [{ plane: "submit", status: 409 }],
  "POST /v1/templates": [{ body: { source: CHANGED }, plane: "register", status: 409 }],
  "PATCH /v1/dead-letters/{task_id}": [{ plane: "updateDeadLetter", status: 409 }],
  "POST /v1/dead-letters/{task_id}:redrive": [{ plane: "submit", status: 409 }],
  "GET /v1/tasks/{id}/events": [
    { query: { after: "2" }, headers: { accept: "text/event-stream" }, status: 204 },
    { query: { nonsense: "1" }, status: 400 },
  ],
  "GET /v1/tasks/{id}/output": [{ query: { nonsense: "1" }, status: 400 }],
  "POST /v1/keys/{id}:rotate": [{ made: aKey, body: {}, status: 200 }],
  "DELETE /v1/keys/{id}": [{ made: aKey, status: 200 }],
  "POST /v1/authority:rotate": [{ body: { phase: "AUTHORITY_PHASE_INIT" }, status: 200 }],
  "POST /v1/enroll": [
    { made: anInvitation, status: 200 },
    { plain: true, status: 503 },
  ],
  "POST /v1/enrolled-workers/{name}:revoke": [{ made: anEnrolledWorker, body: {}, status: 200 }],
  "GET /v1/runs/{run_id}/input": [{ plain: true, status: 200 }],
  "GET /v1/runs/{run_id}/journal": [{ plain: true, status: 200 }],
  "GET /v1/runs/{run_id}/steps/{step_name}/result": [{ plain: true, status: 200 }],
};

/** Operations whose answer is seen by another test, since they need what stands here. */
export const elsewhere: Readonly<Record<string, string>> = {
  "POST /v1/certificate:renew": "a worker's certificate",
};

async function aKey({ handed }: World): Promise<Asked> {
  const terms = { name: "spare", role: "viewer", namespaces: "*", ttl: millis(3_600_000) } as const;
  return { path: { id: (await handed.keys.make(LOCAL_CALLER, terms)).row.id } };
}

async function anInvitation({ enrolment }: World): Promise<Asked> {
  return {
    body: { bootstrap_token: await invite(enrolment, "invited"), csr: await requestFor(await makeKey()) },
  };
}

async function anEnrolledWorker({ enrolment }: World): Promise<Asked> {
  const name = "enrolled";
  await enrolment.enrol(await invite(enrolment, name), await requestFor(await makeKey()), "here");
  return { path: { name } };
}

/** @returns the text of its token */
async function invite(enrolment: Enrolment, name: string): Promise<string> {
  const terms = { worker: { namespace: "default", name }, namespaces: ["default"], labels: {}, agents: [] };
  const [made] = await enrolment.invite(LOCAL_CALLER, [{ ...terms, ttl: millis(3_600_000) }]);
  return made?.text ?? "";
}
