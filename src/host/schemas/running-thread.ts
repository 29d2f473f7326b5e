import { Worker } from "node:worker_threads";
import type { Allowance, Answer, Miss, Question } from "./question.js";

/** A thread as its lane sees it. */
export interface RunningThread {
  ask(question: Question): void;
  /** True keeps the process alive. */
  hold(held: boolean): void;
  end(): Promise<void>;
}

export interface ThreadEars {
  answered(answer: Answer): void;
  /** It ended by itself; nothing more comes. */
  broke(miss: Miss): void;
}

export type StartThread = (allowance: Allowance, ears: ThreadEars) => RunningThread;

export const startThread: StartThread = ({ megabytes }, ears) => {
  const resourceLimits = { maxOldGenerationSizeMb: megabytes, maxYoungGenerationSizeMb: 16 };
  const worker = new Worker(threadFile(), { resourceLimits, execArgv: [] });
  let over = false;
  const broke = (miss: Miss) => {
    if (!over) ears.broke(miss);
    over = true;
  };
  worker.on("message", (answer: Answer) => {
    if (!over) ears.answered(answer);
  });
  worker.on("error", (error: NodeJS.ErrnoException) => {
    broke(error.code === "ERR_WORKER_OUT_OF_MEMORY" ? { type: "memory" } : { type: "failed", error });
  });
  worker.on("exit", () => broke({ type: "failed", error: new Error("the thread has ended") }));
  return {
    ask: (question) => worker.postMessage(question),
    hold: (held) => (held ? worker.ref() : worker.unref()),
    async end() {
      over = true;
      await worker.terminate();
    },
  };
};

/**
 * A thread of plain Node cannot load TypeScript. Where this module itself runs from its source, as in tests, the
 * thread runs what the last build made of the same sources.
 */
function threadFile(): URL {
  const built = import.meta.url.endsWith(".js") ? "./thread.js" : "../../../dist/src/host/schemas/thread.js";
  return new URL(built, import.meta.url);
}
