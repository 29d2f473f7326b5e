import { Worker } from "node:worker_threads";
import type { Allowance, Answer, Miss, Question } from "./question.js";

/** A thread that answers questions. */
export interface RunningThread {
  ask(question: Question): void;
  /** @param kept whether the thread keeps the process alive */
  keepAlive(kept: boolean): void;
  end(): Promise<void>;
}

/** Receives what a thread reports. */
export interface ThreadListener {
  answered(answer: Answer): void;
  /** The thread ended by itself; no more calls follow. */
  broke(miss: Miss): void;
}

export type StartThread = (allowance: Allowance, listener: ThreadListener) => RunningThread;

/** Starts a worker thread; it reports `ready` when it can take questions. */
export const startThread: StartThread = ({ megabytes }, listener) => {
  const resourceLimits = { maxOldGenerationSizeMb: megabytes, maxYoungGenerationSizeMb: 16 };
  const worker = new Worker(threadFile(), { resourceLimits, execArgv: [] });
  let over = false;
  const broke = (miss: Miss) => {
    if (!over) listener.broke(miss);
    over = true;
  };
  worker.on("message", (answer: Answer) => {
    if (!over) listener.answered(answer);
  });
  worker.on("error", (error: NodeJS.ErrnoException) => {
    broke(error.code === "ERR_WORKER_OUT_OF_MEMORY" ? { type: "memory" } : { type: "failed", error });
  });
  worker.on("exit", () => broke({ type: "failed", error: new Error("the thread has ended") }));
  return {
    ask: (question) => worker.postMessage(question),
    keepAlive: (kept) => (kept ? worker.ref() : worker.unref()),
    async end() {
      over = true;
      await worker.terminate();
    },
  };
};

/**
 * Returns the thread's module. Node's threads cannot load TypeScript, so if this module itself runs from source, as in
 * tests, the thread runs the output of the last build.
 */
function threadFile(): URL {
  const built = import.meta.url.endsWith(".js") ? "./thread.js" : "../../../dist/src/host/schemas/thread.js";
  return new URL(built, import.meta.url);
}
