import type { Asked } from "./situations.js";

const CHANGED =
  "name: fulfil\nnamespace_name: orders\nversion: 0.9.0\nsteps:\n  - name: pack\n    handler: { callable: other }\n";

export interface Also extends Asked {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** What the plane refuses by its state. */
  readonly plane?: "signal" | "resolve" | "register" | "updateDeadLetter" | "submit";
  /** Whether the path has the id of a key that there is. */
  readonly withKey?: boolean;
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
  "POST /v1/keys/{id}:rotate": [{ withKey: true, body: {}, status: 200 }],
  "DELETE /v1/keys/{id}": [{ withKey: true, status: 200 }],
  "GET /v1/runs/{run_id}/input": [{ plain: true, status: 200 }],
  "GET /v1/runs/{run_id}/steps/{step_name}/result": [{ plain: true, status: 200 }],
};

/** Operations whose answer is seen by another test, since they need what stands here. */
export const elsewhere: Readonly<Record<string, string>> = {
  "POST /v1/certificate:renew": "a worker's certificate",
  "POST /v1/authority:rotate": "the phase that is next",
  "POST /v1/enrolled-workers/{name}:revoke": "a worker that has enrolled",
};
