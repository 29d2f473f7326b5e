import { edit, type Mutant, type TestName } from "../mutant.js";

const log = (name: string): TestName => ({ file: "test/gateway/rest/task-log.test.ts", name });
const document = (name: string): TestName => ({ file: "test/gateway/rest/openapi.test.ts", name });
const READ_LOG = "src/api/tasks/read-log.ts";

/** Ways in which operations on paths could answer otherwise than is documented. */
export const restMutants: readonly Mutant[] = [
  {
    name: "rest: a page of a log never names the next one",
    edits: [edit(READ_LOG, "next: last < bounds.last ? last : undefined", "next: undefined")],
    test: log("of a log that is longer than a page"),
  },
  {
    name: "rest: a cursor that is past the log is taken",
    edits: [edit(READ_LOG, "if (refused) throw refused;", "")],
    test: log("what is wrong is said by the name of the parameter"),
  },
  {
    name: "rest: who reads events gets a list",
    edits: [
      edit(
        "src/gateway/http/routes.ts",
        "wantsEvents(call.request) ? asEvents(call) : asJson(call)",
        "asJson(call)",
      ),
    ],
    test: log("who reads events gets a stream"),
  },
  {
    name: "rest: the document has no tag that is compared",
    edits: [
      edit("src/gateway/openapi/page.ts", 'isKnown(request.headers["if-none-match"], made.tag)', "false"),
    ],
    test: document("it is known by its tag"),
  },
  {
    name: "rest: a query loses what the path says of the same message",
    edits: [
      edit(
        "src/gateway/rest/transcode.ts",
        "[...queryFor(binding, query), ...Object.entries(params)]",
        "[...Object.entries(params)]",
      ),
    ],
    test: {
      file: "test/gateway/rest/rest.test.ts",
      name: "what is wrong is said by the name of the parameter, field or header",
    },
  },
];
