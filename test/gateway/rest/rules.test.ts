/** The rules beside the protos: that every rpc has one, or a reason why it has none. */
import { expect, test } from "vitest";
import { rpcs } from "#gateway/handlers/index";
import { readRules, ruleOperations } from "#gateway/rest/rule-operations";

const TASKER = "answered at a path of Tasker, in its shape with ours beside it";

/** Rpcs of ours without a rule. Those of other packages have none: they are there for who knows them. */
const without: Readonly<Record<string, string>> = {
  "taskrun.v1.TaskService.CreateTask": `POST /v1/tasks: ${TASKER}`,
  "taskrun.v1.TaskService.GetTask": `GET /v1/tasks/{id}: ${TASKER}`,
  "taskrun.v1.TaskService.ListTasks": `GET /v1/tasks: ${TASKER}`,
  "taskrun.v1.TemplateService.List": `GET /v1/templates: ${TASKER}`,
  "taskrun.v1.EnrollmentService.Enroll": "POST /v1/enroll, a page of its own: it takes plain PEM too",
  "taskrun.v1.TaskService.WatchTask": "a stream: GET /v1/tasks/{id}/events has its events",
  "taskrun.v1.RunService.StreamConnect": "the stream of a worker, in both directions",
};

/** The paths whose answers have Tasker's shape, so that no rule may take them. */
const taskersOwn = [
  "POST /v1/tasks",
  "GET /v1/tasks",
  "GET /v1/tasks/{}",
  "DELETE /v1/tasks/{}",
  "GET /v1/tasks/{}/summary",
  "GET /v1/tasks/{}/workflow_steps",
  "GET /v1/tasks/{}/workflow_steps/{}",
  "PATCH /v1/tasks/{}/workflow_steps/{}",
  "GET /v1/tasks/{}/workflow_steps/{}/audit",
  "GET /v1/templates",
  "GET /v1/templates/{}/{}/{}",
  "POST /v1/templates/{}/{}/{}/validate",
  "GET /v1/analytics/performance",
  "GET /v1/analytics/bottlenecks",
  "GET /v1/dlq",
  "GET /v1/dlq/task/{}",
  "PATCH /v1/dlq/entry/{}",
  "GET /v1/dlq/stats",
  "GET /v1/dlq/investigation-queue",
  "GET /v1/dlq/staleness",
  "GET /config",
];

const rules = readRules();

test("every rpc has a rule, or a reason why it has none", () => {
  const all = rpcs
    .map(({ method }) => `${method.parent.typeName}.${method.name}`)
    .filter((name) => name.startsWith("taskrun.v1."));
  const ruled = new Set(rules.map(({ selector }) => selector));
  expect(all.filter((name) => !ruled.has(name)).toSorted()).toEqual(Object.keys(without).toSorted());
});

test("each rule is an operation, and no two have the same path, whatever its variables are called", () => {
  const operations = ruleOperations(rules, rpcs).map(
    ({ method, path }) => `${method} ${path.replace(/\{[^}]*\}/g, "{}")}`,
  );
  expect(new Set(operations).size).toBe(operations.length);
  expect(operations.filter((each) => taskersOwn.includes(each))).toEqual([]);
});
