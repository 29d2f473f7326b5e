import { edit, type Mutant, type TestName } from "../mutant.js";

const assignments = (name: string): TestName => ({ file: "test/runtime/workers/assignments.test.ts", name });

const send = "src/runtime/turn/send-assignment.ts";
const placement = "actors/scheduler/placement.ts";
const perform = "src/runtime/turn/perform.ts";

/** Ways to send what must not be sent, or more than there is room for. */
export const assignmentMutants: readonly Mutant[] = [
  {
    name: "an assignment that cannot be made takes its whole turn with it",
    edits: [edit(send, "  } catch (error) {\n", "  } catch (error) {\n    if (error) throw error;\n")],
    test: assignments("cannot be made fails its run"),
  },
  {
    name: "an assignment over a message is sent",
    edits: [
      edit(
        send,
        "made.bytes.whole > limits.messageBytes ? tooLarge(made) : made",
        "made.bytes.whole > 0 ? made : tooLarge(made)",
      ),
    ],
    test: assignments("over a message fails its run"),
  },
  {
    name: "a run that was never sent keeps its slot",
    edits: [edit("actors/run/machine.ts", '              undeliverable: "released",\n', "")],
    test: assignments("over a message fails its run"),
  },
  {
    name: "a worker that takes nothing is given more and more",
    edits: [
      edit(
        placement,
        "return unsent < Math.min(limits.unsentPerWorkerBytes, free);",
        "return unsent < free;",
      ),
    ],
    test: assignments("a worker whose transport takes nothing"),
  },
  {
    name: "workers that read nothing take all there is",
    edits: [
      edit(
        placement,
        "return unsent < Math.min(limits.unsentPerWorkerBytes, free);",
        "return unsent < limits.unsentPerWorkerBytes;",
      ),
    ],
    test: assignments("many workers that read nothing"),
  },
  {
    name: "a turn loads whatever was placed",
    edits: [edit(placement, "given < limits.turnAssignmentBytes && ", "")],
    test: assignments("one turn loads so many bytes"),
  },
  {
    name: "nobody hears that a transport has drained",
    edits: [
      edit(
        "src/runtime/supervisor.ts",
        "    leases.hasDeferred = false;\n    this.schedule();\n",
        "    leases.hasDeferred = false;\n",
      ),
    ],
    test: assignments("a worker whose transport takes nothing"),
  },
  {
    name: "being held back is known only after the commit",
    edits: [
      edit(
        "src/runtime/turn/scheduling.ts",
        "    leases.hasDeferred = deferred;\n",
        "    void Promise.resolve().then(() => setTimeout(() => (leases.hasDeferred = deferred), 0));\n",
      ),
    ],
    test: assignments("a transport that drains while a turn commits"),
  },
  {
    name: "inputs that go by reference are loaded all the same",
    edits: [
      edit(
        "actors/scheduler/assign.ts",
        "if (!isByReference(task, view.session(session)?.protocol ?? 0)) inputs.push",
        "inputs.push",
      ),
    ],
    test: assignments("goes by reference to who can read it"),
  },
  {
    name: "a transport that throws ends what is performed",
    edits: [
      edit(perform, '    failed("send", error, { sessionId: session }, core);\n', "    throw error;\n"),
    ],
    test: assignments("a transport that throws loses its stream"),
  },
  {
    name: "an answer that throws ends what is performed",
    edits: [edit(perform, '      failed("reply", error, {}, core);\n', "      throw error;\n")],
    test: assignments("answers, watchers, metrics and streams that throw"),
  },
  {
    name: "reasons are sent as long as they are",
    edits: [
      edit(
        "src/runtime/turn/message-cascade.ts",
        "work.effect(boundedSend(command));",
        "work.effect(command);",
      ),
    ],
    test: assignments("reasons are cut"),
  },
  {
    name: "the size of an assignment is guessed",
    edits: [
      edit(
        "src/domain/worker/frame-size.ts",
        "message(1, utf8Bytes(name)) + message(1",
        "text(1, utf8Bytes(name)) + message(1",
      ),
    ],
    test: { file: "test/wire/frame-size.test.ts", name: "an assignment is as long as it is said to be" },
  },
  {
    name: "a queue is bounded in frames alone",
    edits: [
      edit("src/gateway/traffic/frame-queue.ts", " || (this.#unsent > 0 && this.#unsent + size > bytes)", ""),
    ],
    test: { file: "test/gateway/traffic/frame-queue.test.ts", name: "bytes that find no room" },
  },
  {
    name: "every member of a map reads its task's input for itself",
    edits: [
      edit("src/worker/run/input-reader.ts", "      if (known !== undefined) return known;\n", ""),
      edit("src/worker/run/input-reader.ts", "if (!others) return", "if (!others || others) return"),
    ],
    test: { file: "test/worker/input-by-reference.test.ts", name: "an input is read once" },
  },
];
