import { edit, type Mutant, type TestName } from "../mutant.js";

const cors = "src/gateway/http/cors.ts";
const guard = "src/gateway/http/guard.ts";
const serve = "src/gateway/http/serve.ts";
const writer = "src/gateway/http/event-writer.ts";
const sse = "src/gateway/http/sse.ts";
const events = "src/gateway/http/task-events.ts";
const origin = "src/domain/text/origin.ts";

const corsTest = (name: string): TestName => ({ file: "test/gateway/http/cors.test.ts", name });
const eventsTest = (name: string): TestName => ({ file: "test/gateway/http/task-events.test.ts", name });
const writerTest = (name: string): TestName => ({ file: "test/gateway/http/event-writer.test.ts", name });
const originTest = (name: string): TestName => ({ file: "test/domain/origin.test.ts", name });

/** Ways in which web pages get what is not theirs, or do not get what is. */
export const browserMutants: readonly Mutant[] = [
  {
    name: "browser: every page may read responses",
    edits: [edit(cors, "if (origin === undefined || !origins.has(origin)) return;", "if (!origin) return;")],
    test: corsTest("to anybody else"),
  },
  {
    name: "browser: a cache may give a page what was answered to another",
    edits: [edit(cors, '  varyBy(response, ["Origin"]);\n', "")],
    test: corsTest("to anybody else"),
  },
  {
    name: "browser: a preflight of a page of this machine is answered",
    edits: [edit(guard, "known && !isPreflight(request) ?", "known ?")],
    test: corsTest("is refused with the setting that permits it"),
  },
  {
    name: "browser: an allowed origin may use a host that is not served",
    edits: [
      edit(
        serve,
        "  if (refusal) {",
        '  if (refusal && response.getHeader("access-control-allow-origin") === undefined) {',
      ),
    ],
    test: corsTest("is no permission for a host that is not served"),
  },
  {
    name: "browser: a page cannot read why it was refused",
    edits: [
      edit(
        serve,
        "  shareResponse(request, response, parts.admission.origins);\n  const refusal",
        "  const refusal",
      ),
      edit(
        serve,
        "  if (!routed.found) return",
        "  if (routed.found) shareResponse(request, response, parts.admission.origins);\n  if (!routed.found) return",
      ),
    ],
    test: corsTest("can be read too"),
  },
  {
    name: "browser: a wildcard is an origin",
    edits: [edit(origin, 'if (text.includes("*"))', 'if (text === "*")')],
    test: originTest("is refused"),
  },
  {
    name: "browser: the path of an address is left out, as if it had not been meant",
    edits: [edit(origin, 'if (rest !== "" && rest !== "/")', 'if (rest === "//")')],
    test: originTest("is refused"),
  },
  {
    name: "browser: a line end in data begins a line of the stream",
    edits: [edit(writer, "data.split(LINE_END)", 'data.split("\\n")')],
    test: writerTest("is read as one event"),
  },
  {
    name: "browser: a line end in an id begins a line of the stream",
    edits: [edit(writer, "text.replace(/[\\r\\n\\0]+/g", "text.replace(/[\\n\\0]+/g")],
    test: writerTest("a frame"),
  },
  {
    name: "browser: comments pile up before a reader that does not read",
    edits: [edit(writer, "this.#isQuiet && !this.#writing", "this.#isQuiet")],
    test: writerTest("piles nothing up"),
  },
  {
    name: "browser: events are written however slowly they are read",
    edits: [
      edit(sse, "      await writer.write([event].flat());", "      void writer.write([event].flat());"),
    ],
    test: eventsTest("a reader that does not read"),
  },
  {
    name: "browser: the query counts where a browser comes back",
    edits: [edit(events, 'lastEventId ?? query.get("after")', 'query.get("after") ?? lastEventId')],
    test: eventsTest("begin after a cursor"),
  },
  {
    name: "browser: a browser comes back for ever to a Task that has ended",
    edits: [
      edit(events, "(await watch.isOver()) ? undefined :", "(await watch.isOver()) && false ? undefined :"),
    ],
    test: eventsTest("are over after the last one"),
  },
  {
    name: "browser: a stream that a drain ends looks like one that is over",
    edits: [edit(events, "if (!call.signal.aborted) yield", "yield")],
    test: eventsTest("ends streams without an end"),
  },
  {
    name: "browser: one that comes back during a drain is sent away for good",
    edits: [
      edit(sse, 'headerOf(request, "last-event-id") !== undefined && fault.again === "later"', "false"),
    ],
    test: eventsTest("one that comes back to come again"),
  },
  {
    name: "browser: a Task of another namespace is watched",
    edits: [
      edit(
        "src/gateway/http/sse.ts",
        "callBy(rest, identify(senderOf(asked, request, params, remote)))",
        'callBy(rest, { principal: "local", namespaces: "*" as const, roles: [] })',
      ),
    ],
    test: eventsTest("of somebody whose namespaces it is not in"),
  },
];
