import { edit, type Mutant } from "../mutant.js";

const hostile = "test/cli/hostile-server.test.ts";
const ids = "test/cli/task-ids.test.ts";

/** Of what reaches a terminal, and of what is typed there. */
export const terminalMutants: readonly Mutant[] = [
  {
    name: "JSON for programs escapes what it must, and nothing for a terminal",
    edits: [
      edit(
        "src/domain/text/controls.ts",
        "  return json.replace(controlsInJson, escaped);",
        "  return json;",
      ),
    ],
    test: { file: hostile, name: "has the same controls as escapes" },
  },
  {
    name: "the first mark that reorders text is the last that is removed",
    edits: [edit("src/domain/text/controls.ts", "\\u2028-\\u202e", "\\u2028-\\u202d")],
    test: { file: hostile, name: "nothing that a server says controls a terminal: task list" },
  },
  {
    name: "help of an option is written as it came",
    edits: [
      edit(
        "src/cli/program.ts",
        "writeErr: (text) => void io.stderr.write(sanitize(text))",
        "writeErr: (text) => void io.stderr.write(text)",
      ),
    ],
    test: { file: hostile, name: "nothing of what is typed comes back as a control" },
  },
  {
    name: "a terminal of no columns has no room for anything",
    edits: [edit("src/cli/terminal/size.ts", " && size > 0 ? size", " && size >= 0 ? size")],
    test: { file: "test/cli/table.test.ts", name: "a terminal that does not say how wide it is" },
  },
  {
    name: "an error has what room the other columns leave",
    edits: [
      edit(
        "src/cli/terminal/layout.ts",
        "    shown = shown.filter((place) => place !== out);",
        "    return cut;",
      ),
    ],
    test: { file: ids, name: "a list of tasks names id and error on a terminal of 80" },
  },
  {
    name: "the first of several tasks is meant",
    edits: [edit("src/cli/task/short-id.ts", "(ids.length === 1 || id === given)", "ids.length >= 1")],
    test: { file: ids, name: "a beginning that several have is refused" },
  },
  {
    name: "the first task that cannot be cancelled keeps the others from it",
    edits: [
      edit(
        "src/cli/task/each-task.ts",
        "refused.code === exit.unreachable) throw thrown;",
        "refused.code !== exit.ok) throw thrown;",
      ),
    ],
    test: { file: ids, name: "several tasks are cancelled at once" },
  },
  {
    name: "a time without a zone is a time here",
    edits: [
      edit("src/cli/moment.ts", "([Zz]|([+-])(\\d\\d):?(\\d\\d))$/", "([Zz]|([+-])(\\d\\d):?(\\d\\d)|)$/"),
    ],
    test: { file: "test/cli/times.test.ts", name: "a time with several meanings" },
  },
  {
    name: "any number is Unix milliseconds",
    edits: [edit("src/cli/moment.ts", "/^\\d{12,16}$/", "/^\\d{1,16}$/")],
    test: { file: "test/cli/times.test.ts", name: "a time with several meanings" },
  },
  {
    name: "a watch ends with its task, whatever is compensated",
    edits: [
      edit(
        "src/cli/task/compensation.ts",
        'if (compensatedBy === "") return undefined;',
        "if (compensatedBy) return undefined;",
      ),
    ],
    test: { file: "test/cli/watch-end.test.ts", name: "a watch tells of the task that compensates" },
  },
  {
    name: "completion calls a command that is on nobody's path",
    edits: [
      edit("src/cli/completion.ts", 'self === "taskrun" || script === ""', 'self !== "" || script === ""'),
    ],
    test: { file: "test/cli/program.test.ts", name: "completion finds the command where npx is needed" },
  },
];
