/** A Run that ends while its agent does something that must be done once: what the worker says, and when. */
import { expect, test } from "vitest";
import { limits } from "#limits/index";
import { RunStatus } from "#wire/gen/taskrun/v1/common_pb";
import { JournalState, StepEffect } from "#wire/gen/taskrun/v1/run_service_pb";
import type { AgentContext } from "#worker/agent/context";
import { RunStopped } from "#worker/agent/error";
import { RunDurable } from "#worker/run/durable";
import { Window } from "#worker/run/window";
import { holding, keep, record, working } from "./kit/durable.js";
import type { PlaneSession } from "./kit/fake-plane.js";
import { latch, settle } from "./kit/workbench.js";

/** Charges, heeding no signal, until it is let finish. */
function charging(onDoubt?: "retry") {
  const { opened: begun, open: begin } = latch();
  const { opened: finished, open: finish } = latch();
  const charge = async () => {
    begin();
    await finished;
    return "paid";
  };
  const charged = (ctx: AgentContext) =>
    ctx.step("charge", charge, { effect: "once", ...(onDoubt && { onDoubt }) });
  return { begun, finish, charged };
}

async function hasEnded(session: PlaneSession): Promise<boolean> {
  await settle();
  return session.log.some((said) => said.case === "statusUpdate" && said.value.status !== RunStatus.RUNNING);
}

test("a cancelled run says nothing of its end while something is done that must be done once", async () => {
  const { begun, finish, charged } = charging();
  const { opened: stopped, open: stop } = latch<unknown>();
  const { session } = await working((ctx) =>
    charged(ctx).catch((error: unknown) => {
      stop(error);
      throw error;
    }),
  );
  session.assign({ runId: "r1" });
  await keep(session);
  await begun;

  session.send({ case: "cancelRun", value: { runId: "r1", reason: "reset" } });
  expect(await stopped).toMatchObject({ name: "RunStopped", why: "cancelled" });
  expect(await hasEnded(session)).toBe(false);
  // Once more with each heartbeat.
  session.send({ case: "cancelRun", value: { runId: "r1", reason: "reset" } });
  expect(await hasEnded(session)).toBe(false);

  finish();
  expect(await session.hearEnd()).toMatchObject({ status: RunStatus.CANCELLED });
});

test("an agent that fails beside it has its result journaled before it ends", async () => {
  const { begun, finish, charged } = charging();
  const { session } = await working(async (ctx) => {
    const both = Promise.all([charged(ctx), begun.then(() => Promise.reject(new Error("bad day")))]);
    return both;
  });
  session.assign({ runId: "r1" });
  await keep(session);
  await begun;
  expect(await hasEnded(session)).toBe(false);

  finish();
  expect(await keep(session)).toMatchObject({ state: JournalState.COMPLETED, resultJson: '"paid"' });
  expect(await session.hearEnd()).toMatchObject({ status: RunStatus.FAILED, errorMessage: "Error: bad day" });
});

test("a run that fails because another step is in doubt lets this one finish first", async () => {
  const { begun, finish, charged } = charging("retry");
  const { plane, session } = await working((ctx) =>
    Promise.all([charged(ctx), begun.then(() => ctx.step("mail", () => 1, { effect: "once" }))]),
  );
  const open = { state: JournalState.BEGUN, effect: StepEffect.ONCE, concurrent: true };
  holding(plane, [record({ ...open, name: "charge" }), record({ ...open, name: "mail", entry: 2, seq: 1n })]);
  session.assign({ runId: "r1", journalRecords: 2n });
  expect(await keep(session)).toMatchObject({ entry: 1, state: JournalState.NOT_DONE });
  expect(await keep(session)).toMatchObject({ entry: 1, state: JournalState.BEGUN });
  await begun;
  expect(await hasEnded(session)).toBe(false);

  finish();
  expect(await session.hearEnd()).toMatchObject({ status: RunStatus.FAILED, reason: "IN_DOUBT" });
});

test("one that never ends is waited for as long as the server waits", async () => {
  const timers: { readonly ms: number; readonly act: () => void }[] = [];
  const after = (ms: number, act: () => void) => {
    timers.push({ ms, act });
    return nothing;
  };
  const aborter = new AbortController();
  const nothing = () => {};
  let ready = 0;
  const durable = new RunDurable({
    key: { runId: "r1", fence: 1 },
    earlierCount: 0,
    signal: aborter.signal,
    time: { monotonic: () => 0, after },
    window: new Window(1_000_000),
    readJournal: async () => [],
    event: nothing,
    chunks: () => 0,
    written: async () => {},
    ready: () => {
      ready += 1;
      durable.next(0);
      durable.acknowledge(1, "");
    },
    used: nothing,
    fail: nothing,
    suspend: nothing,
  });
  expect(durable.mayEnd()).toBe(true);
  const { opened: begun, open: begin } = latch();
  const endless = () => {
    begin();
    return new Promise(nothing);
  };
  const charged = durable.calls.step("charge", endless, { effect: "once" });
  await begun;
  aborter.abort(new RunStopped("cancelled", "reset"));
  await expect(charged).rejects.toMatchObject({ why: "cancelled" });

  expect([durable.mayEnd(), durable.mayEnd()]).toEqual([false, false]);
  expect(timers.map(({ ms }) => ms)).toEqual([limits.releaseWait]);
  const before = ready;
  timers[0]?.act();
  await settle();
  expect([durable.mayEnd(), ready > before]).toEqual([true, true]);
});
