import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { basename } from "node:path";

/** A helper process: it takes one order at a time and answers it. */
export class Child {
  readonly #process: ChildProcess;
  readonly #name: string;

  private constructor(name: string, child: ChildProcess) {
    this.#name = name;
    this.#process = child;
  }

  /** Starts a module that calls {@link answer}. Resolves when it has said that it is ready. */
  static async start(
    module: URL,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<Child> {
    const forked = fork(module, args, { env: { ...process.env, ...env } });
    const child = new Child(basename(module.pathname, ".js"), forked);
    await child.#answer();
    return child;
  }

  async order<Order, Result>(order: Order): Promise<Result> {
    this.#process.send(order as object);
    return (await this.#answer()) as Result;
  }

  /** SIGKILL: none of them has anything to save. */
  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    this.#process.kill("SIGKILL");
    await once(this.#process, "exit");
  }

  #answer(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const settle = () => this.#process.off("message", said).off("exit", gone);
      const said = (message: { readonly result?: unknown; readonly error?: string }) => {
        settle();
        if (message.error === undefined) resolve(message.result);
        else reject(new Error(`${this.#name}: ${message.error}`));
      };
      const gone = (code: number | null) => {
        settle();
        reject(new Error(`${this.#name} ended (code ${code}) before it answered`));
      };
      this.#process.on("message", said).on("exit", gone);
    });
  }
}

/** In the helper process: says that it is ready, then answers orders until the bench is gone. */
export function answer<Order, Result>(work: (order: Order) => Promise<Result>): void {
  const say = (message: object) => process.connected && process.send?.(message);
  process.on("message", (order: Order) => {
    work(order).then(
      (result) => say({ result }),
      (error: Error) => say({ error: error.stack ?? error.message }),
    );
  });
  process.on("disconnect", () => process.exit(0));
  say({});
}
