import type { Answer, Question } from "#host/schemas/question";
import type { StartThread, ThreadEars } from "#host/schemas/running-thread";

/** A thread that does as the test says, in no time of its own. */
export interface FakeThread {
  readonly milliseconds: number;
  readonly asked: Question[];
  readonly ears: ThreadEars;
  ended: boolean;
  held: boolean;
}

export function fakeThreads(): { readonly all: FakeThread[]; readonly start: StartThread } {
  const all: FakeThread[] = [];
  const start: StartThread = ({ milliseconds }, ears) => {
    const thread: FakeThread = { milliseconds, asked: [], ears, ended: false, held: true };
    all.push(thread);
    queueMicrotask(() => ears.answered("ready"));
    return {
      ask: (question) => void thread.asked.push(question),
      hold: (held) => {
        thread.held = held;
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
