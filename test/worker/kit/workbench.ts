import { onTestFinished, vi } from "vitest";
import { z } from "zod";
import type { Log } from "#ports/telemetry";
import { type Agent, agent } from "#worker/agent/agent";
import type { AgentContext } from "#worker/agent/context";
import { AgentError, type RunStopped } from "#worker/agent/error";
import { unknownToServer } from "#worker/journal/unknown";
import type { Assignment } from "#worker/run/assignment";
import { contextFor } from "#worker/run/context";
import { type ServeOptions, serve, type WorkerHandle } from "#worker/serve";
import { FakePlane, type PlaneSession } from "./fake-plane.js";

/** What a test needs around a worker: a plane, agents that do as told, and an end to it all. */

export const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Time stands still but for what a test says; sockets and promises go on. */
export function stopTime(): void {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance", "Date"] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
}

/** Lets the worker connect again, which it does after a random delay. */
export async function comeBack(plane: FakePlane): Promise<PlaneSession> {
  await settle();
  await vi.advanceTimersByTimeAsync(250);
  return plane.accept();
}

/** An agent that does what its test says, under the name that assignments ask for by default. */
export function echo(run: (input: unknown, ctx: AgentContext) => Promise<unknown>) {
  return agent({ name: "echo", input: z.unknown(), run });
}

/** A promise that is settled from outside. */
export function latch<Value = void>() {
  let open: (value: Value) => void = () => {};
  const opened = new Promise<Value>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** Resolves when the run is no longer wanted, to the reason. */
export function stopped(signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve) =>
    signal.addEventListener("abort", () => resolve(signal.reason), { once: true }),
  );
}

export async function startPlane(host?: string): Promise<FakePlane> {
  const plane = await FakePlane.start(host);
  onTestFinished(() => plane.stop());
  return plane;
}

export async function startWorker(
  plane: FakePlane,
  options: Partial<ServeOptions> = {},
): Promise<WorkerHandle> {
  const handle = await serve({
    agents: [echo(async (input) => input)],
    addr: plane.addr,
    log: silent,
    handleSignals: false,
    ...options,
  });
  onTestFinished(() => handle.close());
  return handle;
}

/** Lets everything go on that waits for nothing but its turn: promises, and sockets of this machine. */
export async function settle(): Promise<void> {
  for (let round = 0; round < 50; round += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** What a run is told, but for what a test changes. */
export function assignment(changes: Partial<Assignment> = {}): Assignment {
  return {
    runId: "r1",
    taskId: "t1",
    stepName: "main",
    agentName: "x",
    inputJson: "{}",
    inputRef: undefined,
    inputPartsJson: "",
    labels: {},
    attempt: 1,
    fence: 1,
    deadlineMs: 0,
    results: {},
    resultRefs: [],
    failedDependencies: [],
    journalRecords: 0,
    ...changes,
  };
}

/** Results of steps that a run can ask the plane for. */
export function fetchFrom(results: Readonly<Record<string, string>>) {
  return async (stepName: string): Promise<string> => {
    const json = results[stepName];
    if (json === undefined) throw new AgentError(`no step "${stepName}" comes before this one`);
    return json;
  };
}

/** A run without a worker: what the agent says is kept once it is accepted, and `stop` ends it. */
export function rehearsal(
  agentUnderTest: Agent,
  input: unknown,
  before: Partial<Assignment> = {},
  fetchable: Readonly<Record<string, string>> = {},
  accept: (text: string) => Promise<void> = async () => {},
) {
  const aborter = new AbortController();
  const said: string[] = [];
  const logged: unknown[] = [];
  let heard = (_: string): void => {};
  const inputJson = JSON.stringify(input);
  const ctx = contextFor(assignment({ inputJson, ...before }), {
    signal: aborter.signal,
    log: { ...silent, info: (message, fields) => logged.push([message, fields]) },
    wall: () => 0,
    write: async (text) => {
      aborter.signal.throwIfAborted();
      said.push(text);
      heard(text);
      await accept(text);
    },
    note: () => {},
    backendUsed: () => {},
    fetchResult: fetchFrom(fetchable),
    durable: () => unknownToServer(silent),
  });
  /** The next text the agent says. */
  const next = (): Promise<string> => new Promise((resolve) => (heard = resolve));
  const first = next();
  const result = agentUnderTest.perform(inputJson, ctx);
  result.catch(() => {}); // who awaits it hears of it
  return { ctx, said, logged, first, result, stop: (reason: RunStopped) => aborter.abort(reason) };
}
