import { edit, type Mutant, type TestName } from "../mutant.js";

const plane = (name: string): TestName => ({ file: "test/testing/plane/plane.test.ts", name });
const workers = (name: string): TestName => ({ file: "test/testing/plane/workers.test.ts", name });
const alone = (name: string): TestName => ({ file: "test/testing/run-agent.test.ts", name });

/** Of the test kit: an agent without a plane, and a plane in virtual time. */
export const testKitMutants: readonly Mutant[] = [
  {
    name: "a lease stays extended for time that was not leapt",
    edits: [
      edit(
        "src/testing/plane/test-time.ts",
        "    this.#leaper.extendLeases(millis(leapt - (to - from)));\n",
        "",
      ),
    ],
    test: workers("a lease is no longer"),
  },
  {
    name: "a worker counts its lease while it sleeps",
    edits: [
      edit(
        "src/worker/protocol/session.ts",
        "if (time.awake() >= lease.fenceAt)",
        "if (time.monotonic() >= lease.fenceAt)",
      ),
      edit(
        "src/worker/worker.ts",
        "if (this.#time.awake() < this.#lease.fenceAt)",
        "if (this.#time.monotonic() < this.#lease.fenceAt)",
      ),
    ],
    test: plane("a year passes at once"),
  },
  {
    name: "time leaps while a Run is in the hands of a worker that is gone",
    edits: [
      edit("src/testing/plane/virtual-plane.ts", "return heldCount === this", "return heldCount >= this"),
    ],
    test: workers("a worker that dies loses its Run"),
  },
  {
    name: "a scripted failure does not look at the attempt",
    edits: [
      edit(
        "src/testing/plane/scripted-failures.ts",
        "[which].flat().includes(attempt)",
        "[which].length === 1",
      ),
    ],
    test: plane("scripted failures match"),
  },
  {
    name: "a suspended worker is heard",
    edits: [edit("src/testing/plane/virtual-worker.ts", "    this.#network.hold();\n", "")],
    test: workers("a late report"),
  },
  {
    name: "a result counts although its run was stopped",
    edits: [edit("src/testing/run-agent.ts", "    aborter.signal.throwIfAborted();\n", "")],
    test: alone("a signal and a deadline stop the run"),
  },
];
