import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { RunStatus } from "#wire/gen/taskrun/v1/common_pb";
import { refusal } from "./kit/fake-plane.js";
import { echo, latch, settle, startPlane, startWorker } from "./kit/workbench.js";

const inputRef = (id: string) => ({ id, bytes: 100_000n });
const withRef = (runId: string, parts = "", id = "t1") => ({
  runId,
  inputJson: "",
  inputRef: inputRef(id),
  inputPartsJson: parts,
});

/** A plane whose inputs can be read, a worker on it that says back its input, and the session between them. */
async function working(maxRuns = 10) {
  const plane = await startPlane();
  const asked: string[] = [];
  plane.readInput = async ({ runId }) => {
    asked.push(runId);
    return '{"id":123456789012345678901234567890,"config":{"a":1}}';
  };
  await startWorker(plane, { agents: [echo(async (_, ctx) => ctx.config ?? null)], maxRuns });
  return { plane, asked, session: await plane.greet() };
}

test("an input is read once for all runs of a task, and what their steps add is laid over it", async () => {
  const plane = await startPlane();
  const asked: string[] = [];
  plane.readInput = async ({ runId }) => {
    asked.push(runId);
    return '{"id":123456789012345678901234567890,"config":{"a":1}}';
  };
  const seen: string[] = [];
  const raw = {
    ...echo(async () => null),
    perform: async (inputJson: string) => void seen.push(inputJson),
  };
  await startWorker(plane, { agents: [raw] });
  const session = await plane.greet();
  session.assign(withRef("r1", '{"item":1,"index":0}'));
  session.assign(withRef("r2", '{"config":{"b":2}}'));
  await session.hearEnd();
  await session.hearEnd();
  session.assign(withRef("r3"));
  await session.hearEnd();
  session.assign(withRef("r4", "", "another"));
  await session.hearEnd();

  expect(seen.toSorted()).toEqual(
    [
      '{"id":123456789012345678901234567890,"config":{"a":1},"item":1,"index":0}',
      '{"id":123456789012345678901234567890,"config":{"a":1,"b":2}}',
      '{"id":123456789012345678901234567890,"config":{"a":1}}',
      '{"id":123456789012345678901234567890,"config":{"a":1}}',
    ].toSorted(),
  );
  expect(asked).toEqual(["r1", "r4"]);
});

test("the parts of an input that was read are the context's too", async () => {
  const { session } = await working();
  session.assign(withRef("r1", '{"config":{"b":2}}'));
  expect(JSON.parse((await session.hearEnd()).outputJson)).toEqual({ a: 1, b: 2 });
});

test("a run that is stopped while it reads for others leaves the reading to the next", async () => {
  const { plane, asked, session } = await working();
  const { readInput } = plane;
  const gate = latch();
  plane.readInput = async (wanted) => {
    asked.push(`waits ${wanted.runId}`);
    await gate.opened;
    return readInput(wanted);
  };
  session.assign(withRef("r1"));
  session.assign(withRef("r2"));
  await settle();
  expect(asked).toEqual(["waits r1"]);
  session.send({ case: "cancelRun", value: { runId: "r1", reason: "not needed" } });
  expect(await session.hearEnd()).toMatchObject({ runId: "r1", status: RunStatus.CANCELLED });
  gate.open();
  expect(await session.hearEnd()).toMatchObject({ runId: "r2", status: RunStatus.COMPLETED });
});

test("a run whose input is refused fails, and may be tried again; the next one asks for itself", async () => {
  const { plane, session } = await working();
  const { readInput } = plane;
  plane.readInput = async (wanted) => {
    if (wanted.runId === "r1") throw refusal(Code.FailedPrecondition, "RUN_ENDED", "Run r1 is CANCELLED");
    return readInput(wanted);
  };
  session.assign(withRef("r1"));
  session.assign(withRef("r2"));
  const ends = [await session.hearEnd(), await session.hearEnd()].toSorted((a, b) =>
    a.runId < b.runId ? -1 : 1,
  );
  expect(ends).toMatchObject([
    {
      runId: "r1",
      status: RunStatus.FAILED,
      errorMessage: "the input could not be read: Run r1 is CANCELLED",
      retryable: true,
    },
    { runId: "r2", status: RunStatus.COMPLETED },
  ]);
});

test("a plane that is busy, or gone for a while, is asked again", async () => {
  const { plane, asked, session } = await working();
  const { readInput } = plane;
  let refusals = 2;
  plane.readInput = async (wanted) => {
    refusals -= 1;
    if (refusals >= 0) throw refusal(Code.ResourceExhausted, "INPUT_READS_FULL", "too many read");
    return readInput(wanted);
  };
  session.assign(withRef("r1"));
  expect(await session.hearEnd()).toMatchObject({ status: RunStatus.COMPLETED });
  expect(asked).toEqual(["r1"]);
});
