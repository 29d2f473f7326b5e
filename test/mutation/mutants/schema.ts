import { edit, type Mutant, type TestName } from "../mutant.js";

const inTurn = (name: string): TestName => ({ file: "test/runtime/workflows/verdicts.test.ts", name });
const cost = (name: string): TestName => ({ file: "test/host/schema-cost.test.ts", name });
const thread = (name: string): TestName => ({ file: "test/host/schema-threads.test.ts", name });

/** Ways to let a schema stop the plane, or to lose what waits for one. */
export const schemaMutants: readonly Mutant[] = [
  {
    name: "keeps a cascade that lacked a verdict",
    edits: [
      edit(
        "src/runtime/turn/verdicts.ts",
        '    if (this.#missing.length > 0) throw new VerdictMissing("the cascade is decided without a verdict");\n',
        "",
      ),
    ],
    test: inTurn("that cannot be checked within the limits fails its step for good"),
  },
  {
    name: "puts aside any number of messages",
    edits: [edit("src/runtime/turn/awaited-verdicts.ts", "      this.#bus.putAside(mail);\n", "")],
    test: inTurn("finds no room when as many are put aside as a mailbox holds"),
  },
  {
    name: "waits for a verdict at its end",
    edits: [edit("src/runtime/watch/stopping.ts", "  awaited.stop(fault);\n", "")],
    test: inTurn("does not hold up the end of the plane"),
  },
  {
    name: "tries again what cannot be checked",
    edits: [edit("actors/run-tracker/report.ts", "retryable: reason === undefined,", "retryable: true,")],
    test: inTurn("that cannot be checked within the limits fails its step for good"),
  },
  {
    name: "a deadline that is delayed holds up the others",
    edits: [edit("src/runtime/turn/awaited-verdicts.ts", "      mail.envelope.answer?.delayed?.();\n", "")],
    test: inTurn("holds up no other deadline, and is handled once"),
  },
  {
    name: "handles a delayed deadline again and again",
    edits: [
      edit(
        "src/runtime/timers/timers.ts",
        "    const due = read.filter((deadline) => !this.#delayed.has(keyOf(deadline)));\n",
        "    const due = read;\n",
      ),
    ],
    test: inTurn("holds up no other deadline, and is handled once"),
  },
  {
    name: "drops a report for want of room to check it",
    edits: [
      edit(
        "src/runtime/turn/awaited-verdicts.ts",
        'if (this.#stopped || envelope.source === "gateway") throw error;',
        "throw error;",
      ),
    ],
    test: inTurn("is kept while there is no room to ask"),
  },
  {
    name: "checks what nobody may ask for",
    edits: [
      edit(
        "actors/task-finalizer/signal.ts",
        "if (!task || !mayUse(caller, task.namespace)) return",
        "if (!task) return",
      ),
    ],
    test: inTurn("asks for nothing if who asks may not"),
  },
  {
    name: "counts what references lead to once",
    edits: [
      edit(
        "src/host/schemas/cost.ts",
        "    if (known !== undefined) return known;\n",
        "    if (known !== undefined) return known === COSTLY ? COSTLY : 0;\n",
      ),
    ],
    test: cost("what several references lead to is counted at each of them"),
  },
  {
    name: "compares all items with all in place",
    edits: [edit("src/host/schemas/cost.ts", "(value === true && hasScalarItems(schema))", "value === true")],
    test: cost("is left to the thread"),
  },
  {
    name: "runs any pattern in place",
    edits: [
      edit(
        "src/host/schemas/cost.ts",
        "linearPattern(value)?.size ?? COSTLY",
        "linearPattern(value)?.size ?? 1",
      ),
    ],
    test: cost("is left to the thread"),
  },
  {
    name: "a pattern's dot takes line ends",
    edits: [edit("src/host/schemas/pattern.ts", "classOf(complement(NEWLINES))", "classOf(complement([]))")],
    test: { file: "test/host/schema-patterns.test.ts", name: "what it means in JavaScript" },
  },
  {
    name: "waits for a check without end",
    edits: [
      edit(
        "src/host/schemas/lane.ts",
        '    this.#limit(this.#allowance.milliseconds, { type: "time" });\n',
        "",
      ),
    ],
    test: thread("what takes too long is tried once more, alone, and delays no other"),
  },
  {
    name: "tries what is slow among the others again",
    edits: [
      edit(
        "src/host/schemas/threads.ts",
        '      if (miss.type !== "failed") this.#remember(question.digest);\n',
        "",
      ),
    ],
    test: thread("what takes too long is tried once more, alone, and delays no other"),
  },
  {
    name: "lets one schema go before all others",
    edits: [
      edit(
        "src/host/schemas/lane.ts",
        "    this.#waiting.delete(digest);\n    if (checks.length > 0) this.#waiting.set(digest, checks);\n",
        "    if (checks.length === 0) this.#waiting.delete(digest);\n",
      ),
    ],
    test: thread("schemas take turns, however much is asked of one"),
  },
  {
    name: "asks for ever what finds no verdict",
    edits: [edit("src/limits/schemas.ts", "slowSchemaMisses: 3,", "slowSchemaMisses: 1e9,")],
    test: thread("a schema that finds no verdict again and again gets none for a minute"),
  },
];
