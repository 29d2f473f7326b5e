import type { Answer, Question } from "#host/schemas/question";
import type { StartThread, ThreadListener } from "#host/schemas/running-thread";

/** A thread that does as the test says, in no time of its own. */
export interface FakeThread {
  readonly milliseconds: number;
  readonly asked: Question[];
  readonly listener: ThreadListener;
  ended: boolean;
  keptAlive: boolean;
}

export function fakeThreads(): { readonly all: FakeThread[]; readonly start: StartThread } {
  const all: FakeThread[] = [];
  const start: StartThread = ({ milliseconds }, listener) => {
    const thread: FakeThread = { milliseconds, asked: [], listener, ended: false, keptAlive: true };
    all.push(thread);
    queueMicrotask(() => listener.answered("ready"));
    return {
      ask: (question) => void thread.asked.push(question),
      keepAlive: (kept) => {
        thread.keptAlive = kept;
      },
      end: async () => {
        thread.ended = true;
      },
    };
  };
  return { all, start };
}

/** A thread's last word on what it was asked last. */
export function fits({ asked }: FakeThread, last = true): Answer {
  return { digest: asked.at(-1)?.digest ?? "", verdict: { type: "fits" }, last };
}
