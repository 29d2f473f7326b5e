import { Code } from "@connectrpc/connect";
import { expect, test, vi } from "vitest";
import { z } from "zod";
import { RunStatus } from "#wire/gen/taskrun/v1/common_pb";
import type { AgentContext } from "#worker/agent/context";
import { type FakePlane, refusal } from "./kit/fake-plane.js";
import {
  comeBack,
  echo,
  latch,
  settle,
  startPlane,
  startWorker,
  stopped,
  stopTime,
} from "./kit/workbench.js";

/** A plane, a worker on it whose one agent does this, and the session between them. */
async function working(run: (ctx: AgentContext) => Promise<unknown>, maxRuns = 10) {
  const plane = await startPlane();
  await startWorker(plane, { agents: [echo((_, ctx) => run(ctx))], maxRuns });
  return { plane, session: await plane.greet() };
}

/** The end of the run that this assignment begins. */
async function endOf(
  { session }: Awaited<ReturnType<typeof working>>,
  value: Parameters<typeof session.assign>[0] = {},
) {
  session.assign({ runId: "r1", ...value });
  return session.hearEnd();
}

/** Answers reads, and keeps what was asked. */
function answering(plane: FakePlane, answers: Readonly<Record<string, string>>) {
  const asked: unknown[] = [];
  const refuse = plane.readResult;
  plane.readResult = async (wanted) => {
    asked.push(wanted);
    return answers[wanted.stepName] ?? refuse(wanted);
  };
  return asked;
}

test("results of the steps before this one are at hand, and those too large are read from the plane", async () => {
  const bench = await working(async ({ dependencies, failedDependencies, result, resultJson }) => ({
    dependencies,
    failedDependencies,
    small: await result("b"),
    large: await result("a"),
    ancestor: await resultJson("root"),
  }));
  const asked = answering(bench.plane, { a: '{"n":2}', root: "[1, 2]" });

  const end = await endOf(bench, {
    fence: 7,
    dependencyResultsJson: { b: '{"n":1}' },
    dependencyRefs: ["a"],
    failedDependencies: ["d", "c"],
  });

  expect(JSON.parse(end.outputJson)).toEqual({
    dependencies: ["a", "b"],
    failedDependencies: ["c", "d"],
    small: { n: 1 },
    large: { n: 2 },
    ancestor: "[1, 2]",
  });
  expect(asked).toMatchObject([
    { runId: "r1", fence: 7, stepName: "a" },
    { runId: "r1", fence: 7, stepName: "root" },
  ]);
});

test("a step that has no result gives undefined", async () => {
  const bench = await working(async ({ result }) => [typeof (await result("silent"))]);
  bench.plane.readResult = async () => {
    throw refusal(Code.NotFound, "NO_RESULT", "none");
  };

  expect(await endOf(bench)).toMatchObject({ outputJson: '["undefined"]' });
});

test("a result can be checked, and one that does not fit fails the run for good", async () => {
  const bench = await working(async ({ result }) => {
    const { n } = await result("good", z.object({ n: z.number() }));
    return result("bad", z.object({ n: z.literal(n) }));
  });

  const end = await endOf(bench, { dependencyResultsJson: { good: '{"n":1}', bad: '{"n":2}' } });

  expect(end).toMatchObject({ status: RunStatus.FAILED, retryable: false });
  expect(end.errorMessage).toMatch(/^the result of step "bad" is not what this agent needs: n: Invalid/);
});

test("a step that does not come before this one fails the run for good, with the plane's words", async () => {
  const bench = await working(({ result }) => result("other"));

  expect(await endOf(bench)).toMatchObject({
    status: RunStatus.FAILED,
    retryable: false,
    errorMessage:
      'the result of step "other" could not be read: Step "other" is none that must be done before.',
  });
});

test("a read that the plane cannot answer now is tried again", async () => {
  const bench = await working(({ result }) => result("a"));
  let calls = 0;
  bench.plane.readResult = async () => {
    calls += 1;
    if (calls < 3) throw refusal(Code.Unavailable, "BUSY", "busy");
    return '"late"';
  };

  expect(await endOf(bench)).toMatchObject({ outputJson: '"late"' });
  expect(calls).toBe(3);
});

test("a read that a lost connection has cut short goes on over the next one", async () => {
  stopTime();
  const { opened: asked, open: ask } = latch();
  const { plane, session } = await working(({ result }) => result("a"));
  let calls = 0;
  plane.readResult = async () => {
    calls += 1;
    ask();
    return calls === 1 ? new Promise<string>(() => {}) : "5";
  };
  session.assign({ runId: "r1" });
  await asked;
  plane.cut();

  const second = await comeBack(plane);
  await second.hear("hello");
  second.welcome();
  await second.hear("heartbeat");
  second.ack({ ackType: "output", refId: "r1", nextSeq: 0n });
  await second.hear("statusUpdate");
  await settle();
  await vi.advanceTimersByTimeAsync(4_000);

  expect(await second.hear("statusUpdate")).toMatchObject({ outputJson: "5" });
});

test("a read that finds no plane for 30 s fails, and says to try again", async () => {
  stopTime();
  const { opened: ended, open: end } = latch<unknown>();
  const { plane, session } = await working(async ({ result }) => {
    await result("a").catch(end);
  });
  plane.readResult = async () => {
    throw refusal(Code.Unavailable, "BUSY", "busy");
  };
  session.assign({ runId: "r1" });
  await session.hear("statusUpdate");

  for (let second = 0; second < 40; second += 1) {
    await settle();
    await vi.advanceTimersByTimeAsync(1_000);
  }

  expect(await ended).toMatchObject({
    message: expect.stringMatching(/^the result of step "a" could not be read within 30 s: \w/),
    retryable: true,
  });
});

test("a run that is no longer wanted stops reading", async () => {
  const { opened: ended, open: end } = latch<unknown>();
  const { opened: asked, open: ask } = latch();
  const { plane, session } = await working(async ({ result, signal }) => {
    await Promise.all([result("a").catch(end), stopped(signal)]);
  });
  plane.readResult = () => {
    ask();
    return new Promise(() => {});
  };
  session.assign({ runId: "r1" });
  await asked;

  session.send({ case: "cancelRun", value: { runId: "r1", reason: "enough" } });

  expect(await ended).toMatchObject({ name: "RunStopped", why: "cancelled" });
});

test("eight results are read at a time, and the others wait", async () => {
  const names = Array.from({ length: 20 }, (_, i) => `s${i}`);
  const bench = await working(async ({ result }) => {
    const values = await Promise.all(names.map((name) => result(name)));
    return values.length;
  });
  let [open, most] = [0, 0];
  bench.plane.readResult = async () => {
    open += 1;
    most = Math.max(most, open);
    await settle();
    open -= 1;
    return "1";
  };

  expect(await endOf(bench)).toMatchObject({ outputJson: "20" });
  expect(most).toBe(8);
});
