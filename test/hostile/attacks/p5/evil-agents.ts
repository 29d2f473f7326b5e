import { z } from "zod";
import { agent } from "#worker/index";
import { connect, createTask, endOf, isPatient, sdkWorker } from "../../kit.js";
import type { Target } from "../../target.js";

const evils: Record<string, () => unknown> = {
  surrogateResult: () => "a\ud800",
  surrogateKey: () => ({ "\udfff": "\ud83d" }),
  thrownNull: () => Promise.reject(Object.create(null)),
  thrownGetter: () =>
    Promise.reject(
      Object.defineProperty(new Error(), "message", {
        get: () => {
          throw new Error("no");
        },
      }),
    ),
  thrownLong: () => Promise.reject(new Error("\ud800é".repeat(20_000))),
  thrownNothing: () => Promise.reject(undefined),
  resultToJson: () => ({
    toJSON: () => {
      throw new Error("no");
    },
  }),
  resultHuge: () => "é".repeat(600_000),
  resultBigInt: () => 1n,
  resultProxy: () =>
    new Proxy(
      {},
      {
        ownKeys: () => {
          throw new TypeError("no");
        },
      },
    ),
  floating: () => void Promise.reject(new Error("nobody awaits this")),
};

/** What agents return and throw that cannot be said: each costs its own Run, and no other. */
export async function evilResults(target: Target): Promise<void> {
  const agents = Object.entries(evils).map(([name, run]) =>
    agent({ name, input: z.unknown(), run: async () => run() }),
  );
  const good = agent({ name: "p5_good", input: z.unknown(), run: async (input) => input });
  await sdkWorker(target, [...agents, good], "p5-results");
  await beside(target, Object.keys(evils));
}

/** What agents say on the way: halves of characters, numbers that are none, names that are no text. */
export async function evilWords(target: Target): Promise<void> {
  const half = "text cut in the middle of a character \ud83d";
  const odd = (value: unknown) => value as never;
  const words = agent({
    name: "evilWords",
    input: z.unknown(),
    run: async (input, ctx) => {
      const kinds: (() => unknown)[] = [
        () => ctx.output(half),
        () => ctx.output("\ud800".repeat(30_000), { "\udc00": half }),
        () => ctx.chat("ASSISTANT", half),
        () => ctx.chat(odd("nobody"), "x"),
        () => ctx.event("TOOL_REQUESTED", { half }),
        () => ctx.event(odd("NO_SUCH_EVENT"), odd({ a: 1, b: null })),
        () => ctx.backendUsed(odd(null)),
        () => ctx.backendUsed({ provider: half, modelName: "m", contextWindow: 1.5 }),
        () =>
          ctx.backendUsed({ provider: "p", modelName: "m", contextWindow: Number.NaN, metadata: odd([1]) }),
        () => ctx.output(odd(17)),
        () => ctx.yield(half, half),
        () => Promise.reject(Object.assign(new Error("x"), { retryAfterMs: Number.NaN, retryable: "yes" })),
      ];
      return kinds[Number(input) % kinds.length]?.();
    },
  });
  const good = agent({ name: "p5_good", input: z.unknown(), run: async (input) => input });
  await sdkWorker(target, [words, good], "p5-words");
  await beside(
    target,
    Array.from({ length: 12 }, () => "evilWords"),
  );
}

/** The same worker's honest agent does its work all the while. */
async function beside(target: Target, names: readonly string[]): Promise<void> {
  const rpc = connect(target);
  const evilIds = names.map((agentName, i) =>
    createTask(rpc, { agentName, inputJson: `${i}`, maxAttempts: 3 }),
  );
  await Promise.all(evilIds);
  for (let i = 0; i < 10 && !target.signal.aborted; i += 1) {
    const id = await createTask(rpc, { agentName: "p5_good", inputJson: `${i}` });
    const task = id && (await endOf(rpc, target, id));
    if (task && task.outputJson !== `${i}`)
      throw new Error(`a Run beside evil ones was lost: ${task.errorMessage}`);
    if (id && !task && isPatient(target)) throw new Error("a Run beside evil ones has not ended");
  }
}
