/** Durable steps of programs: lines on two descriptors. */
import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { JournalKind, JournalState, StepEffect } from "#wire/gen/taskrun/v1/run_service_pb";
import type { AgentContext } from "#worker/agent/context";
import { execAgent } from "#worker/exec/exec";
import { ProgramPipe } from "#worker/exec/program-pipe";
import { StepDialogue } from "#worker/exec/step-dialogue";
import { stepRequestOf } from "#worker/exec/step-request";
import { holding, keep, record } from "./kit/durable.js";
import { latch, settle, startPlane, startWorker } from "./kit/workbench.js";

/** A program in JavaScript that does durable steps: `ask` is answered, `say` is not waited for. */
const ASK = `
const fs = require("node:fs");
const lines = require("node:readline").createInterface({ input: new (require("node:net").Socket)({ fd: 3 }) })[Symbol.asyncIterator]();
const say = (request) => fs.writeSync(4, (typeof request === "string" ? request : JSON.stringify(request)) + "\\n");
const ask = async (request) => { say(request); return JSON.parse((await lines.next()).value); };
const end = (result) => { console.log(JSON.stringify({ result })); process.exit(0); };
`;

async function running(script: string, journalRecords = 0n, records: Parameters<typeof holding>[1] = []) {
  const plane = await startPlane();
  const command = [process.execPath, "-e", `${ASK}(async () => { ${script} })();`];
  await startWorker(plane, { agents: [execAgent({ name: "x", command, output: "jsonl", steps: true })] });
  const session = await plane.greet({});
  holding(plane, records);
  session.assign({ runId: "r1", agentName: "x", journalRecords });
  return session;
}

test("a program does a step, and goes on when its result is durable", async () => {
  const session = await running(`
    const { do: number } = await ask({ step: "price", input: { b: 1, a: 2 } });
    end(await ask({ done: number, result: { cents: 5 } }));`);

  const said = await session.hear("journal");
  expect(said).toMatchObject({ kind: JournalKind.STEP, name: "price", state: JournalState.COMPLETED });
  expect(said).toMatchObject({ resultJson: '{"cents":5}', effect: StepEffect.IDEMPOTENT });
  expect(said.inputDigest).toBe("d3626ac30a87e6f7a6428233b3c68299976865fa5508e4267c5415c76af7a772");
  session.ack({ ackType: "journal", refId: "r1", nextSeq: 1n });
  expect(await session.hearEnd()).toMatchObject({ outputJson: '{"ok":true}' });
});

test("a program is told nothing of a step before what has become of it is durable", async () => {
  const durable = latch();
  const ctx = {
    signal: new AbortController().signal,
    step: async (_: string, work: () => unknown) => {
      await work();
      await durable.opened;
    },
  };
  const [requests, answers] = [new PassThrough(), new PassThrough({ encoding: "utf8" })];
  const dialogue = new StepDialogue(ctx as unknown as AgentContext);
  const over = dialogue.hold(new ProgramPipe(requests), answers, new Promise(() => {}));
  requests.write('{"step":"charge"}\n');
  await expect.poll(() => answers.read()).toBe('{"do":1}\n');
  requests.end('{"done":1}\n');
  await expect.poll(() => dialogue.unfinished).toEqual([]);
  await settle();
  expect(answers.read()).toBeNull();

  durable.open();
  await over;
  expect(answers.read()).toBe('{"ok":true}\n');
});

test("what an earlier run has done is told, and what is new is done", async () => {
  const session = await running(
    `const known = await ask({ step: "a" });
     const failed = await ask({ step: "b" });
     const { do: number } = await ask({ tool: "c", args: [1], effect: "once" });
     await ask({ done: number });
     end([known, failed, number]);`,
    2n,
    [
      record({ seq: 0n, entry: 1, name: "a", resultJson: "[7]" }),
      record({ seq: 1n, entry: 2, name: "b", state: JournalState.FAILED, errorMessage: "no luck" }),
    ],
  );
  expect(await keep(session)).toMatchObject({ seq: 2n, name: "c", state: JournalState.BEGUN });
  expect(await keep(session)).toMatchObject({ seq: 3n, name: "c", state: JournalState.COMPLETED });
  expect(await session.hearEnd()).toMatchObject({
    outputJson: '[{"result":[7]},{"error":"no luck"},1]',
  });
});

test("a program that only waits is ended, and its run suspended", async () => {
  const session = await running(`
    process.on("SIGTERM", () => process.exit(0));
    await ask({ signal: "go", timeout_ms: 9, default: null });`);
  expect(await keep(session)).toMatchObject({ kind: JournalKind.SIGNAL, name: "go" });
  expect(await session.hear("suspend")).toMatchObject({ entries: [1], journalCount: 1n });
});

test("a program that ends in the middle of a step fails its run, and says what to write", async () => {
  const session = await running(`await ask({ step: "a" }); process.exit(0);`);
  const end = await session.hearEnd();
  expect(end).toMatchObject({ retryable: false });
  expect(end.errorMessage).toContain('has ended in the middle of its step "a": write {"done": N');
});

test("a step that fails and is caught is kept with the next one", async () => {
  const session = await running(`
    const { do: one } = await ask({ step: "a" });
    await ask({ failed: one, error: "no luck" });
    const { do: two } = await ask({ step: "b" });
    await ask({ done: two, result: 2 });
    end(2);`);
  expect(await keep(session)).toMatchObject({
    name: "a",
    state: JournalState.FAILED,
    errorMessage: "AgentError: no luck",
  });
  expect(await keep(session)).toMatchObject({ name: "b", state: JournalState.COMPLETED });
  expect(await session.hearEnd()).toMatchObject({ outputJson: "2" });
});

test.each([
  ["x", "is no JSON"],
  ["[]", "is no JSON object"],
  ["{}", "has none of step, tool"],
  ['{"step": "a", "done": 1}', "has several of step, tool"],
  ['{"step": "a", "efect": "once"}', 'has "efect"; beside "step" there may be "effect", "input", "on_doubt"'],
  ['{"step": 7}', 'has "step" that is no text'],
  ['{"step": "a", "effect": "twice"}', 'has "effect" that is none of read, idempotent, once'],
  ['{"done": "1"}', 'has "done" that is no number'],
  ['{"failed": 1, "retryable": 1}', 'has "retryable" that is neither true nor false'],
  ['{"usage": {"model": "m", "tokens": 1}}', 'has "usage" with "tokens"'],
])("a line that is no request is refused, and says why: %s", (line, problem) => {
  expect(() => stepRequestOf(line)).toThrow(problem);
});

test("it fails the run for good, with the line", async () => {
  const session = await running(`say("hello"); setTimeout(() => {}, 60_000);`);
  const end = await session.hearEnd();
  expect(end).toMatchObject({ retryable: false });
  expect(end.errorMessage).toMatch(/^what the program has written on descriptor 4 is no JSON: .*: hello$/);
  await settle();
});

test.each([
  ["done: 1", "has ended step 1, which it does not do"],
  ["join: 1", "joins child 1, which it has not begun"],
])("a number that was told to nobody fails the run: %s", async (request, problem) => {
  const session = await running(`await ask({ ${request} });`);
  expect((await session.hearEnd()).errorMessage).toContain(problem);
});
