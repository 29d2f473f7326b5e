import { ConnectError } from "@connectrpc/connect";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { BulkAction, type BulkTasksRequest } from "#wire/gen/taskrun/v1/task_service_pb";
import { aTask, Code, type FakePlane, fakePlane } from "../client/fake-plane.js";
import { taskrun } from "./fake-io.js";

let plane: FakePlane;
const heard: BulkTasksRequest[] = [];
let fails = false;

beforeAll(async () => {
  plane = await fakePlane({
    getTask: ({ id }) => aTask({ id }),
    bulkTasks(request) {
      heard.push(request);
      const { dryRun, pageToken } = request;
      if (fails && pageToken !== "" && !dryRun) throw new ConnectError("stopped", Code.Internal);
      const refusals = [
        { reason: "TASK_ENDED", message: "task t3 has ended", count: 1, taskIds: [`t3${pageToken}`] },
      ];
      return { matched: 201, done: 200, refusals, nextPageToken: pageToken === "" ? "next" : "" };
    },
  });
});
afterAll(() => plane[Symbol.asyncDispose]());
beforeEach(() => {
  heard.length = 0;
  fails = false;
});

const task = (...words: string[]) => taskrun(["task", ...words, "--addr", plane.addr]);

test("a dry run counts all batches, and says with which it would not be done", async () => {
  const { code, stdout, stderr } = await task("cancel", "--all", "--agent", "crawl", "--dry-run");
  expect({ code, stdout }).toEqual({ code: 0, stdout: "400 tasks would be cancelled\n" });
  expect(stderr).toBe("not with 2: TASK_ENDED: task t3 has ended (t3 t3next)\n");
  expect(heard.map(({ dryRun, filter }) => [dryRun, filter?.agentFilter])).toEqual([
    [true, "crawl"],
    [true, "crawl"],
  ]);
});

test("without --yes nothing is done where nobody can be asked", async () => {
  const { code, stderr } = await task("retry", "--all", "--status", "FAILED");
  expect(code).toBe(2);
  expect(stderr).toContain("400 tasks would be retried, as new tasks");
  expect(stderr).toContain("Add --yes to do it");
  expect(heard.every(({ dryRun }) => dryRun)).toBe(true);
});

test.each([
  [["cancel"], BulkAction.CANCEL, "cancelled"],
  [["retry"], BulkAction.RETRY, "retried"],
  [["fork"], BulkAction.FORK, "forked"],
  [["resolve", "--retry"], BulkAction.RESET, "reset"],
  [["resolve", "--done"], BulkAction.RESOLVE, "resolved"],
])("%j is done batch by batch, under one id", async (words, action, done) => {
  const { code, stdout } = await task(...words, "--all", "--yes", "--reason", "fixed");
  expect({ code, stdout }).toEqual({ code: 0, stdout: `400 tasks ${done}\n` });
  const sent = heard.filter(({ dryRun }) => !dryRun);
  expect(sent.map((each) => [each.action, each.pageToken, each.reason])).toEqual([
    [action, "", "fixed"],
    [action, "next", "fixed"],
  ]);
  expect(new Set(sent.map(({ bulkId }) => bulkId)).size).toBe(1);
  expect(sent[0]?.bulkId).toMatch(/^[\w-]{36}$/);
});

test("where it ends too soon the command is printed that goes on, and that asks nothing again", async () => {
  fails = true;
  const words = ["cancel", "--all", "--yes", "--label", "team=a b", "--before", "2030-01-31T09:00Z"];
  const { code, stderr } = await task(...words);
  expect(code).not.toBe(0);
  const [, resumed = ""] = /Go on with\n {2}npx taskrun (.*)\n/.exec(stderr) ?? [];
  const id = heard.at(-1)?.bulkId;
  expect(resumed).toMatch(
    /^task cancel --all --label 'team=a b' --before 2030-01-31T09:00:00.000Z --addr \S+ --bulk-id \S+ --after next$/,
  );

  fails = false;
  heard.length = 0;
  const again = resumed.split(/ (?=--)/).flatMap((part) => {
    const [name = "", ...value] = part.split(" ");
    return name === "task"
      ? part.split(" ")
      : [name, ...(value.length > 0 ? [value.join(" ").replaceAll("'", "")] : [])];
  });
  expect((await taskrun(again)).stdout).toBe("200 tasks cancelled\n");
  expect(heard).toMatchObject([{ bulkId: id, pageToken: "next", dryRun: false }]);
});

test.each([
  [["cancel"], "name a task, or --all"],
  [["cancel", "t1", "--all"], "not both"],
  [["resolve", "--all"], "choose one with --all: --retry or --done"],
  [["resolve", "--all", "--result", "1"], "choose one with --all"],
  [["fork", "--all", "--from", "ship"], "are for one task"],
])("%j is wrong use", async (words, message) => {
  const { code, stderr } = await task(...words);
  expect(code).toBe(2);
  expect(stderr).toContain(message);
  expect(heard).toEqual([]);
});
