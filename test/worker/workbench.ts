import { onTestFinished } from "vitest";
import { z } from "zod";
import type { Log } from "#ports/telemetry";
import { type Agent, type AgentContext, agent, type RunStopped } from "#worker/agent";
import { type ServeOptions, serve, type WorkerHandle } from "#worker/serve";
import { FakePlane } from "./fake-plane.js";

/** What a test needs around a worker: a plane, agents that do as told, and an end to it all. */

export const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

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

/** A run without a worker: what the agent says is kept, and `stop` ends it. */
export function rehearsal(agentUnderTest: Agent, input: unknown) {
  const aborter = new AbortController();
  const said: string[] = [];
  const logged: unknown[] = [];
  let heard = (_: string): void => {};
  const ctx: AgentContext = {
    runId: "r1",
    taskId: "t1",
    stepName: "main",
    attempt: 1,
    labels: {},
    deadline: undefined,
    signal: aborter.signal,
    log: { ...silent, info: (message, fields) => logged.push([message, fields]) },
    output: async (text) => {
      aborter.signal.throwIfAborted();
      said.push(text);
      heard(text);
    },
    event: () => {},
    chat: () => {},
    backendUsed: () => {},
  };
  /** The next text the agent says. */
  const next = (): Promise<string> => new Promise((resolve) => (heard = resolve));
  const first = next();
  const result = agentUnderTest.perform(JSON.stringify(input), ctx);
  result.catch(() => {}); // who awaits it hears of it
  return { said, logged, first, result, stop: (reason: RunStopped) => aborter.abort(reason) };
}
