import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import {
  GetPauseResponseSchema,
  PauseKind,
  type PauseRequest,
  PauseSchema,
  ResumeResponseSchema,
} from "#wire/gen/taskrun/v1/pause_service_pb";
import { fakePlane } from "../client/fake-plane.js";
import { taskrun } from "./fake-io.js";

const agent: MessageInitShape<typeof PauseSchema> = {
  scope: { kind: PauseKind.AGENT, namespace: "billing", name: "triage" },
  reason: "bad answers",
  pausedBy: "key:a1",
  pausedAtMs: 1_000n,
};

function pausing(held: number[] = [0]) {
  const asked: PauseRequest[] = [];
  return {
    asked,
    handlers: {
      pause: (request: PauseRequest) => {
        asked.push(request);
        const { scope, reason, untilMs } = request;
        const made = { ...agent, ...(scope && { scope }), reason, untilMs };
        return create(PauseSchema, made);
      },
      getPause: () =>
        create(GetPauseResponseSchema, {
          pause: agent,
          heldRuns: held.length > 1 ? (held.shift() ?? 0) : (held[0] ?? 0),
        }),
    },
  };
}

test("pause agent says what is paused and until when", async () => {
  const { asked, handlers } = pausing();
  await using plane = await fakePlane({}, {}, {}, {}, { pauses: handlers });
  const words = [
    "pause",
    "agent",
    "triage",
    "--namespace",
    "billing",
    "--reason",
    "bad",
    "--until",
    "2030-01-31T09:00Z",
  ];
  const { code, stdout } = await taskrun([...words, "--addr", plane.addr]);
  expect([code, stdout]).toEqual([
    0,
    "paused agent triage in namespace billing until 2030-01-31T09:00:00.000Z\n",
  ]);
  expect(asked[0]).toMatchObject({
    scope: { kind: PauseKind.AGENT, namespace: "billing", name: "triage" },
    reason: "bad",
    untilMs: BigInt(Date.UTC(2030, 0, 31, 9)),
  });
});

test("a duration counts from now", async () => {
  // By the clock of this test 1970 is not over, which the client takes for seconds.
  const { stderr } = await taskrun(["pause", "plane", "--until", "2h"]);
  expect(stderr).toContain("is 7261000, which is 1970-01-01T02:01:01.000Z");
});

test("a time that is none is an error of usage", async () => {
  const { code, stderr } = await taskrun(["pause", "plane", "--until", "tomorrow"]);
  expect(code).toBe(2);
  expect(stderr).toContain('"tomorrow" is neither a duration, as 2h, nor a time');
});

test.each([
  [["plane"], { kind: PauseKind.PLANE }],
  [["namespace", "billing"], { kind: PauseKind.NAMESPACE, namespace: "billing", name: "" }],
  [["template", "flow", "--namespace", "n"], { kind: PauseKind.TEMPLATE, namespace: "n", name: "flow" }],
  [["worker", "w1", "--principal", "p"], { kind: PauseKind.WORKER, name: "w1", principal: "p" }],
])("pause %j", async (words, scope) => {
  const { asked, handlers } = pausing();
  await using plane = await fakePlane({}, {}, {}, {}, { pauses: handlers });
  expect(await taskrun(["pause", ...words, "--addr", plane.addr])).toMatchObject({ code: 0 });
  expect(asked[0]?.scope).toMatchObject(scope);
});

test("drain waits until workers hold nothing, and says how much is left", async () => {
  const { handlers } = pausing([2, 2, 1, 0]);
  await using plane = await fakePlane({}, {}, {}, {}, { pauses: handlers });
  const { code, stdout, stderr } = await taskrun(["drain", "agent", "triage", "--addr", plane.addr]);
  expect([code, stdout, stderr]).toEqual([
    0,
    "paused agent triage in namespace  until it is resumed\n",
    "workers hold 2 runs of it\nworkers hold 1 run of it\nworkers hold nothing of it\n",
  ]);
});

test("drain ends without success when its time is up", async () => {
  const { handlers } = pausing([1]);
  await using plane = await fakePlane({}, {}, {}, {}, { pauses: handlers });
  const words = ["drain", "plane", "--timeout", "1ms", "--addr", plane.addr];
  const { code, stderr } = await taskrun(words);
  expect(code).toBe(1);
  expect(stderr).toContain("after 1 ms it is not drained; it stays paused");
});

test("resume says what was resumed, or that nothing was paused", async () => {
  const answers = [create(ResumeResponseSchema, { ended: agent }), create(ResumeResponseSchema)];
  const resume = () => answers.shift() ?? create(ResumeResponseSchema);
  await using plane = await fakePlane({}, {}, {}, {}, { pauses: { resume } });
  const words = ["resume", "agent", "triage", "--addr", plane.addr];
  expect(await taskrun(words)).toMatchObject({
    code: 0,
    stdout: "resumed agent triage in namespace billing\n",
  });
  expect(await taskrun(words)).toMatchObject({ code: 0, stdout: "it was not paused\n" });
});

test("pause list prints a line for each pause", async () => {
  const everywhere = {
    ...agent,
    scope: { ...agent.scope, kind: PauseKind.AGENT, namespace: "*", name: "x" },
  };
  const pauses = [agent, { ...everywhere, untilMs: 120_000n }].map((each) => create(PauseSchema, each));
  await using plane = await fakePlane({}, {}, {}, {}, { pauses: { listPauses: () => ({ pauses }) } });
  const { stdout } = await taskrun(["pause", "list", "--addr", plane.addr]);
  const [head, first, second] = stdout.split("\n");
  expect(head).toMatch(/^PAUSED +UNTIL +SINCE +BY +REASON/);
  expect(first).toMatch(/^agent triage in namespace billing +resumed +1m 00s ago +key:a1 +bad answers/);
  expect(second).toMatch(/^agent x in every namespace +1970-01-01T00:02:00\.000Z/);
});
