import { NotEnded } from "#testing/index";
import { type AgentContext, agent } from "#worker/index";

export const echo = agent({ name: "echo", run: async (input) => ({ got: input }) });

/** Resolves never, but rejects when the Run is stopped. */
export const hanging = agent({
  name: "hang",
  run: (_, { signal }: AgentContext) =>
    new Promise<never>((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
    }),
});

/** Waits as often as the test lets it, and then returns the number of its attempt. */
export function gated() {
  let open: () => void = () => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const agentOf = agent({
    name: "gated",
    run: async (_, { attempt }) => {
      await gate;
      return { attempt };
    },
  });
  return { agent: agentOf, open };
}

/** What a Task is said to wait for that has not ended. */
export async function reasonOf(work: Promise<unknown>): Promise<NotEnded> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof NotEnded) return error;
  throw new Error(`no NotEnded: ${String(error)}`);
}
