import { expect, test } from "vitest";
import { bulkTasks } from "#api/tasks/bulk-tasks";
import { run } from "#api/use-case";
import { type BulkAction, bulkActions } from "#domain/task/bulk";
import { FakePlane } from "../gateway/kit/fake-plane.js";
import { requestOf, servicesFor } from "./services.js";

const filter = {
  statusFilter: undefined,
  states: [],
  agentFilter: "",
  labels: {},
  idPrefix: "",
  createdAfterMs: 0,
  createdBeforeMs: 0,
  parentTaskId: "",
  correlationId: "",
  createdBy: "",
  waiting: "",
  namespace: "",
};
const viewer = { principal: "key:eve", namespaces: "*", roles: ["viewer"] } as const;

test.each(Object.keys(bulkActions) as BulkAction[])(
  "%s of all needs what that of one needs; whoever may list may count",
  async (action) => {
    const request = requestOf(servicesFor(new FakePlane()), viewer);
    const asked = { filter, action, bulkId: "b", pageToken: "", maxTasks: 0, reason: "" };
    await expect(run(bulkTasks, { ...asked, dryRun: false }, request)).rejects.toMatchObject({
      code: "denied",
      details: { reason: "SCOPE_MISSING", metadata: { scope: bulkActions[action] } },
    });
    await expect(run(bulkTasks, { ...asked, dryRun: true }, request)).resolves.toMatchObject({ matched: 0 });
  },
);
