import { edit, type Mutant } from "../mutant.js";

const runOutput = "src/worker/run/output.ts";
const takeovers = { file: "test/worker/takeovers.test.ts" };
const refused = { file: "test/runtime/workers/refused-reports.test.ts" };

/** Of both ends measuring alike, of refused reports, and of two processes with one worker id. */
export const workerMutants: readonly Mutant[] = [
  {
    name: "half a surrogate pair is two bytes long",
    edits: [
      edit(
        "src/domain/text/text.ts",
        "      bytes += 2; // also right for a pair: two units, four bytes\n",
        "      bytes += isHigh(unit) || isLow(unit) ? 1 : 2;\n",
      ),
    ],
    test: { file: "test/domain/text.test.ts", name: "text is as long as the wire makes it" },
  },
  {
    name: "a refused report ends the stream",
    edits: [edit("src/gateway/report.ts", "    if (refused) return refused;\n", "")],
    test: { file: "test/gateway/worker-limits.test.ts", name: "is refused of that run alone" },
  },
  {
    name: "a refused report costs nobody anything",
    edits: [
      edit(
        "actors/run-tracker/heard.ts",
        "return [broken, ...released,",
        "return [...(broken ? [] : []), ...released,",
      ),
    ],
    test: { ...refused, name: "a refused report costs its run alone" },
  },
  {
    name: "what says nothing weighs nothing",
    edits: [
      edit("src/domain/task/report.ts", "return Math.max(limits.reportBytes, bytes);", "return bytes;"),
    ],
    test: { ...refused, name: "that says nothing still counts" },
  },
  {
    name: "the worker weighs less than the plane",
    edits: [
      edit(
        runOutput,
        "      this.#spend(bytes);\n      while",
        "      this.#spend(piece.length);\n      while",
      ),
    ],
    test: { file: "test/worker/ends.test.ts", name: "output comes to the limit by what it weighs" },
  },
  {
    name: "a message that cannot be written is sent",
    edits: [edit("src/worker/run/run.ts", "      if (message) checkWritable(message);\n", "")],
    test: { file: "test/worker/unwritable.test.ts" },
  },
  {
    name: "what is thrown is read without care",
    edits: [
      edit(
        "src/worker/agent/in-words.ts",
        '  } catch {\n    return "something was thrown that cannot be read";',
        '  } catch {\n    return "";',
      ),
    ],
    test: { file: "test/worker/ends.test.ts", name: "a proxy that throws at every touch" },
  },
  {
    name: "a checkpoint's parts have a limit each",
    edits: [
      edit(
        "src/worker/agent/yielded.ts",
        "if (bytes <= limits.resultBytes) return;",
        "if (bytes <= 2 * limits.resultBytes) return;",
      ),
    ],
    test: { file: "test/worker/yield.test.ts", name: "a checkpoint whose cursor and output together" },
  },
  {
    name: "an ousted worker comes back at once",
    edits: [
      edit(
        "src/worker/worker.ts",
        "const delayMs = this.#stayAwayMs(error) ?? this.#reconnectMs(error, failures);",
        "const delayMs = this.#reconnectMs(error, failures);",
      ),
    ],
    test: { ...takeovers, name: "does not come back at once" },
  },
  {
    name: "an ousted worker never gives up",
    edits: [edit("src/limits/worker-library.ts", "takeovers: 5,", "takeovers: 5e9,")],
    test: { ...takeovers, name: "gives up in the end" },
  },
  {
    name: "a takeover by another process is told to nobody",
    edits: [
      edit(
        "actors/run-tracker/hello.ts",
        'return previous.state !== "detached" && previous.instance !== session.instance ? previous : undefined;',
        "return previous.instance === session.id ? previous : undefined;",
      ),
    ],
    test: { file: "test/runtime/workers/takeovers.test.ts", name: "both are told who the other one is" },
  },
  {
    name: "every takeover is in the log",
    edits: [
      edit("src/runtime/watch/takeovers.ts", "if (known && at < known.quietUntil)", "if (known && at < 0)"),
    ],
    test: { file: "test/runtime/workers/takeovers.test.ts", name: "the log names a clash once a minute" },
  },
  {
    name: "a run is handed back without its start",
    edits: [edit("src/worker/run/held.ts", "if (start) this.#declines.push(start);", "void start;")],
    test: { file: "test/worker/drain.test.ts", name: "a run that has begun is handed back after its start" },
  },
];
