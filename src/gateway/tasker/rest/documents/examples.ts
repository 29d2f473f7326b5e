import { stepUuid } from "../../shapes/step-uuid.js";

/** The Task of the examples in the OpenAPI document: of a template with two Steps, the first of which is done. */

const id = "01920f3e-8c1b-7a52-b6d4-3f1e5a7c9b20";
const created = "2026-01-31T09:00:00.000Z";

export const exampleStep = {
  step_uuid: stepUuid(id, "charge"),
  task_uuid: id,
  name: "charge",
  current_state: "waiting_for_retry",
  created_at: created,
  updated_at: "2026-01-31T09:00:05.000Z",
  completed_at: null,
  results: null,
  dependencies_satisfied: true,
  retry_eligible: true,
  ready_for_execution: false,
  total_parents: 1,
  completed_parents: 1,
  attempts: 1,
  max_attempts: 3,
  last_failure_at: "2026-01-31T09:00:05.000Z",
  next_retry_at: "2026-01-31T09:00:07.000Z",
  last_attempted_at: "2026-01-31T09:00:04.000Z",
  backoff_request_seconds: 2,
} as const;

export const exampleTask = {
  task_uuid: id,
  id,
  name: "order_fulfillment",
  namespace: "orders",
  version: "1.0.0",
  status: "waiting_for_retry",
  task_status: "TASK_STATUS_RUNNING",
  created_at: created,
  updated_at: "2026-01-31T09:00:05.000Z",
  completed_at: null,
  context: { order_id: 7 },
  initiator: "shop",
  source_system: "web",
  reason: "order placed",
  priority: 0,
  tags: ["vip"],
  correlation_id: "order-7",
  parent_correlation_id: null,
  total_steps: 2,
  pending_steps: 1,
  in_progress_steps: 0,
  completed_steps: 1,
  failed_steps: 0,
  ready_steps: 0,
  execution_status: "waiting_for_dependencies",
  recommended_action: "wait_for_dependencies",
  completion_percentage: 50,
  health_status: "recovering",
  steps: [exampleStep],
} as const;

export const exampleNewTask = {
  name: "order_fulfillment",
  namespace: "orders",
  version: "1.0.0",
  context: { order_id: 7 },
  initiator: "shop",
  source_system: "web",
  tags: ["vip"],
} as const;
