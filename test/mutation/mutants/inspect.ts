import { edit, type Mutant, type TestName } from "../mutant.js";

const hubTest = (name: string): TestName => ({ file: "test/inspect/hub.test.ts", name });
const worlds = (name: string): TestName => ({ file: "test/inspect/worlds.test.ts", name });

const recorder = "src/runtime/turn/recorder.ts";
const publisher = "src/runtime/turn/publish.ts";
const supervisor = "src/runtime/supervisor.ts";
const hub = "src/inspect/hub.ts";
const buffer = "src/inspect/buffer.ts";
const fields = "src/inspect/message-fields.ts";

/** Of what inspectors are told. */
export const inspectMutants: readonly Mutant[] = [
  {
    name: "inspect: cascades that are rolled back are told of",
    edits: [edit(recorder, "      this.records.length = length;\n", "")],
    test: worlds("reads at once"),
  },
  {
    name: "inspect: a turn is told of before it is committed",
    edits: [
      edit(supervisor, "    this.#publisher.turn(decided);\n", ""),
      edit(
        supervisor,
        "      committed = await turn.commit();",
        "      this.#publisher.turn(decided);\n      committed = await turn.commit();",
      ),
    ],
    test: worlds("reads at once"),
  },
  {
    name: "inspect: what follows from a lifecycle's message is told as the actor's",
    edits: [edit(recorder, "    this.#now = { sender, cause: message };", "")],
    test: hubTest("in order"),
  },
  {
    name: "inspect: a message among actors is told as one of the runtime",
    edits: [edit(recorder, "this.#senders.shift() ?? ", "")],
    test: hubTest("in order"),
  },
  {
    name: "inspect: who comes in the middle of a turn never hears of it",
    edits: [edit(publisher, "records: records ?? this.#statesOf(work)", "records: records ?? []")],
    test: hubTest("in the middle of a turn"),
  },
  {
    name: "inspect: who comes late is not told of what there is",
    edits: [edit(hub, "    if (this.#source !== NOTHING) this.#begin(viewer);\n", "")],
    test: hubTest("who comes late"),
  },
  {
    name: "inspect: an actor whose state was dropped is not told of anew",
    edits: [edit(buffer, "    this.#lost.set(sessionId, item.entity);\n", "")],
    test: hubTest("reads too slowly"),
  },
  {
    name: "inspect: dropped events are not counted",
    edits: [edit(buffer, "    this.#dropped += 1;\n", "")],
    test: hubTest("reads too slowly"),
  },
  {
    name: "inspect: messages show all of their fields",
    edits: [edit(fields, "payloads ? allOf(message) : shownOf(message)", "allOf(message)")],
    test: hubTest("in order"),
  },
  {
    name: "inspect: a viewer of one Task hears of all",
    edits: [edit("src/inspect/viewer.ts", "    if (!family) return true;", "    return true;")],
    test: hubTest("a viewer of one Task"),
  },
  {
    name: "inspect: who comes late never hears of the Tasks below a child",
    edits: [edit("src/inspect/viewer.ts", "this.family?.includes(each.row.id, each.row);", "each.row.id;")],
    test: { file: "test/inspect/stored.test.ts", name: "further below than a child" },
  },
  {
    name: "inspect: the end of a backoff is not shown",
    edits: [edit("src/inspect/deadlines.ts", "nextAttemptAt === NEVER ? []", "nextAttemptAt !== NEVER ? []")],
    test: hubTest("while they are waited for"),
  },
  {
    name: "inspect: an inspector that throws stops the plane",
    edits: [
      edit(
        publisher,
        "    } catch (error) {\n      if (this.#hasFailed) return;",
        "    } catch (error) {\n      throw error;",
      ),
    ],
    test: hubTest("a viewer that throws"),
  },
];
