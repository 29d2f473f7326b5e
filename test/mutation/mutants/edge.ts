import { edit, type Mutant, type TestName } from "../mutant.js";

const undecodable = (name: string): TestName => ({ file: "test/gateway/undecodable.test.ts", name });
const deadlines = (name: string): TestName => ({ file: "test/gateway/deadlines.test.ts", name });
const connections = (name: string): TestName => ({ file: "test/transport/connections.test.ts", name });
const argument: TestName = { file: "test/client/arguments.test.ts", name: "INVALID_ARGUMENT with the field" };
const digits = (name: string): TestName => ({ file: "test/templates/digits.test.ts", name });

/** Ways in which the gateway, the client and what both pass on could say something else than what was meant. */
export const edgeMutants: readonly Mutant[] = [
  {
    name: "edge: JSON with unknown names is taken",
    edits: [edit("src/gateway/traffic/decode.ts", "ignoreUnknownFields: false", "ignoreUnknownFields: true")],
    test: undecodable("JSON with an unknown field"),
  },
  {
    name: "edge: what cannot be decoded is not counted",
    edits: [
      edit(
        "src/gateway/outcome.ts",
        "if (fault && undecodable.has(fault.reason)) this.#noteUndecodable(fault);",
        "",
      ),
    ],
    test: undecodable("bytes that are no message"),
  },
  {
    name: "edge: each undecodable request is a line in the log",
    edits: [edit("src/gateway/outcome.ts", "this.#warnAt = now + limits.undecodableLogged;", "")],
    test: undecodable("logged once a minute"),
  },
  {
    name: "edge: a request refused before its handler is not counted",
    edits: [edit("src/gateway/grpc/transport.ts", "if (!this.#mute) refused(fault);", "")],
    test: undecodable("no message at all"),
  },
  {
    name: "edge: over HTTP the deadline of a call is not kept",
    edits: [
      edit(
        "src/gateway/http/connect.ts",
        "await (peer.deadline ? peer.deadline.race(answer) : answer)",
        "await answer",
      ),
    ],
    test: deadlines("of a call that takes longer"),
  },
  {
    name: "edge: over HTTP the deadline of a stream is not kept",
    edits: [edit("src/gateway/http/connect.ts", "peer.deadline?.onPassed((fault) => open.end(fault));", "")],
    test: deadlines("of a stream that goes on"),
  },
  {
    name: "edge: over HTTP a request that never ends has no deadline",
    edits: [edit("src/gateway/http/body.ts", "deadline?.onPassed(refuse);", "")],
    test: deadlines("of a request that is not complete: 'httpPort application/json"),
  },
  {
    name: "edge: an answer after the deadline is counted again",
    edits: [edit("src/gateway/grpc/grpc.ts", "      if (ended) return;\n", "")],
    test: deadlines("of a call that takes longer"),
  },
  {
    name: "transport: a full connection is filled further",
    edits: [
      edit(
        "src/transport/session-pool.ts",
        "this.#carriers.length < limits.connectionsPerClient",
        "this.#carriers.length < 1",
      ),
    ],
    test: connections("one client watches three hundred tasks"),
  },
  {
    name: "transport: a server that was never there is a lost connection",
    edits: [edit("src/client/error.ts", "if (ConnectFailed.is(error)) {", "if (error === undefined) {")],
    test: connections("a server that was never there"),
  },
  {
    name: "client: arguments are not checked before they are sent",
    edits: [edit("src/client/request.ts", '  checkMessage(schema, init as Fields, "");\n', "")],
    test: argument,
  },
  {
    name: "client: seconds are taken for milliseconds",
    edits: [edit("src/client/request.ts", "ms === 0n || ms >= EARLIEST_MS", "ms >= 0n")],
    test: argument,
  },
  {
    name: "digits: a template's numbers are JavaScript's",
    edits: [
      edit(
        "src/templates/read/source.ts",
        "if (part.digits !== undefined) return exactNumber(part.digits);",
        "if (part.digits !== undefined) return part.value;",
      ),
    ],
    test: digits("is given to the agent as it is written"),
  },
  {
    name: "digits: a template is another one if a zero is written",
    edits: [
      edit("src/templates/digest.ts", "withPlainNumbers(body as unknown as Json)", "body as unknown as Json"),
    ],
    test: digits("a template is the same however its numbers are written"),
  },
  {
    name: "digits: a text that looks like a kept number becomes one",
    edits: [edit("src/domain/json/exact.ts", "text.startsWith(NUL) ? NUL + text : text", "text")],
    test: digits("text that looks like a number"),
  },
  {
    name: "digits: the command line prints results again",
    edits: [
      edit(
        "src/cli/terminal/json-text.ts",
        "texts.push(part.text)",
        "texts.push(JSON.stringify(JSON.parse(part.text)))",
      ),
    ],
    test: { file: "test/cli/steps.test.ts", name: "numbers go and come with every digit" },
  },
];
