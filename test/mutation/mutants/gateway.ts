import { edit, type Mutant, type TestName } from "../mutant.js";

const reader = "src/gateway/traffic/message-reader.ts";
const held = "src/gateway/traffic/buffered-bytes.ts";
const incoming = "src/gateway/http/incoming.ts";
const sessions = "src/gateway/connections/sessions.ts";
const session = "src/gateway/connections/session.ts";
const connections = "src/gateway/connections/connections.ts";
const grpcIncoming = "src/gateway/grpc/incoming.ts";
const grpcTransport = "src/gateway/grpc/transport.ts";

const inFile =
  (file: string) =>
  (name: string): TestName => ({ file: `test/gateway/${file}.test.ts`, name });
const readerTest = inFile("traffic/message-reader");
const heldTest = inFile("traffic/buffered-bytes");
const received = inFile("connections/received-bytes");
const deadlines = inFile("connections/deadlines");
const floods = inFile("connections/floods");
const grpcIncomingTest = inFile("grpc/incoming");
const connectionsTest = inFile("connections/connections");

/** Ways in which peers could make the server hold what they have not sent, or keep it from others. */
export const gatewayMutants: readonly Mutant[] = [
  {
    name: "peer: memory follows what is announced",
    edits: [edit(reader, "Math.max(needed, Math.min(twice, enough))", "Math.max(needed, enough)")],
    test: readerTest("what is announced costs nothing until it comes"),
  },
  {
    name: "peer: a taken message is written over",
    edits: [
      edit(
        reader,
        "    const next = Buffer.allocUnsafeSlow(",
        "    const next = this.#own && this.#start >= needed ? this.#buffer : Buffer.allocUnsafeSlow(",
      ),
    ],
    test: readerTest("messages come out as they went in"),
  },
  {
    name: "peer: few bytes keep much memory alive",
    edits: [edit(reader, "if (!this.#own && this.held > 0) this.#grow(0);", "")],
    test: readerTest("a few bytes do not keep the memory alive"),
  },
  {
    name: "peer: Connect allocates what is announced",
    edits: [
      edit(
        "src/gateway/http/serve.ts",
        'if (request.method === "POST") {',
        'if (request.method === "PUT") {',
      ),
    ],
    test: received("six thousand announced messages"),
  },
  {
    name: "peer: as many messages are expanded at once as come",
    edits: [edit("src/gateway/traffic/compression.ts", "this.#busy >= limits.compressing", "this.#busy < 0")],
    test: received("a few messages are expanded at once"),
  },
  {
    name: "peer: a message has as many elements as it likes",
    edits: [edit("src/gateway/traffic/elements.ts", "if (field) this.#left--;", "")],
    test: received("is bounded over gRPC"),
  },
  {
    name: "peer: who grows is young again",
    edits: [
      edit(
        held,
        "    const more = bytes - use.bytes;",
        "    use.since = performance.now();\n    const more = bytes - use.bytes;",
      ),
    ],
    test: heldTest("each has its time from when it was held first"),
  },
  {
    name: "peer: the newest is cut, not the oldest",
    edits: [edit(held, "const [oldest] = this.#uses;", "const oldest = [...this.#uses].at(-1);")],
    test: heldTest("above its number the oldest goes"),
  },
  {
    name: "peer: a body may take for ever",
    edits: [edit(incoming, "    traffic.unfinished.use(this.#receiving, 0);\n", "")],
    test: deadlines("a body that does not end is ended"),
  },
  {
    name: "peer: a stream must not be silent",
    edits: [
      edit(
        incoming,
        "    if (!toTheEnd) unfinished.release(this.#receiving);\n    const wake",
        "    const wake",
      ),
    ],
    test: deadlines("a stream may be silent between its messages"),
  },
  {
    name: "peer: an answer may wait for ever to be read",
    edits: [
      edit(
        "src/gateway/grpc/transport.ts",
        "    this.#untaken.use(this.#sending, this.#unsent);\n    this.#stream",
        "    this.#stream",
      ),
    ],
    test: deadlines("an answer that is not read is ended (grpcPort)"),
  },
  {
    name: "peer: headers may take for ever",
    edits: [
      edit(session, "if (begun && session.headersSince === 0) {", "if (begun && session.headersSince < 0) {"),
    ],
    test: deadlines("handshakes and headers have 5 s"),
  },
  {
    name: "peer: a handshake may take for ever",
    edits: [edit(session, 'return "handshake";', "return undefined;")],
    test: deadlines("handshakes and headers have 5 s"),
  },
  {
    name: "peer: headers are bounded only once it agrees",
    edits: [
      edit(sessions, "!session.hasAckedSettings && bytes > limits.headerBytes", "session.openedAt < 0"),
    ],
    test: deadlines("headers have 16 KiB and 128 pairs"),
  },
  {
    name: "peer: resets cost nothing",
    edits: [edit(session, "if (!this.#resets.spend())", "if (this.#resets === undefined)")],
    test: floods("(grpcPort /taskrun.v1.TaskService/WatchTask)"),
  },
  {
    name: "peer: a reset counts however late it comes",
    edits: [edit(sessions, " && this.#now - openedAt <= limits.resetRapid", "")],
    test: floods("streams that are cancelled after a while"),
  },
  {
    name: "peer: who resets streams that are answered stops the server",
    edits: [
      edit(
        sessions,
        "setImmediate(() => session.session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM));",
        "session.session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM);",
      ),
    ],
    test: { file: "test/e2e/resets.test.ts", name: "a server outlives streams that are reset (addr)" },
  },
  {
    name: "peer: empty frames cost nothing",
    edits: [edit(session, "return this.#overhead <= limits.frameOverheadBurst;", "return true;")],
    test: floods("frames that carry nothing"),
  },
  {
    name: "peer: frames of one byte cost nothing",
    edits: [edit(session, "!this.#tinyFrames.spend()", "this.#tinyFrames === undefined")],
    test: floods("frames of one byte each costs its connection (grpcPort /taskrun.v1.TaskService"),
  },
  {
    name: "peer: empty requests are floods",
    edits: [edit(session, "this.#tinyFrames.giveBack();", "")],
    test: floods("empty requests are no flood"),
  },
  {
    name: "peer: content counts as overhead",
    edits: [
      edit(
        session,
        "this.#explained += bytes + FRAME_BYTES + this.connection.recordBytes;",
        "this.#explained += FRAME_BYTES;",
      ),
    ],
    test: floods("what is explained by requests"),
  },
  {
    name: "peer: what stands around content counts as overhead",
    edits: [
      edit(
        session,
        "this.#explained += bytes + FRAME_BYTES + this.connection.recordBytes;",
        "this.#explained += bytes;",
      ),
    ],
    test: floods("what is explained by requests"),
  },
  {
    name: "peer: window updates for answers count as overhead",
    edits: [edit(session, "UPDATE_BYTES + this.connection.recordBytes + bytes / 256", "bytes / 256")],
    test: floods("what is explained by requests"),
  },
  {
    name: "peer: as many streams as it likes",
    edits: [
      edit(
        "src/gateway/traffic/streams.ts",
        "this.#streams.size >= limits.openStreams",
        "this.#streams.size < 0",
      ),
    ],
    test: floods("no more streams are open"),
  },
  {
    name: "peer: as many connections as it likes",
    edits: [edit(connections, "if (this.#open >= connections)", "if (this.#open < 0)")],
    test: connectionsTest("a connection above the bound"),
  },
  {
    name: "peer: the loopback counts as one address",
    edits: [edit("src/gateway/connections/address.ts", "if (isLoopback(address)) return undefined;", "")],
    test: connectionsTest("one address has its own bound"),
  },
  {
    name: "peer: who has said hello is counted off twice",
    edits: [edit(connections, "      counted = undefined;\n", "")],
    test: connectionsTest("who has said hello"),
  },
  {
    name: "peer: who has said hello still counts by address",
    edits: [edit("src/gateway/worker-stream.ts", "      call.identified();\n", "")],
    test: { file: "test/gateway/worker-stream.test.ts", name: "a hello says who is on the connection" },
  },
  {
    name: "peer: TCP does not look after a silent one",
    edits: [edit(connections, "keepAlive: true", "keepAlive: false")],
    test: deadlines("a peer that is gone is found by TCP"),
  },
  {
    name: "grpc: what a busy handler has not taken is read ahead without end",
    edits: [
      edit(grpcIncoming, "this.#options.streamed && this.#ahead > limits.readAheadBytes", "this.#ahead < 0"),
    ],
    test: grpcIncomingTest("what the handler has not taken counts"),
  },
  {
    name: "grpc: a request of one message counts only until it is there",
    edits: [edit(grpcIncoming, "held + this.#ahead);", "held);")],
    test: grpcIncomingTest("a request of one message counts"),
  },
  {
    name: "grpc: grpc-js keeps the last message of a silent stream",
    edits: [edit(grpcIncoming, "this.onData(piece);\n    this.onData(PLAIN);", "this.onData(piece);")],
    test: grpcIncomingTest("only whole messages are handed on"),
  },
  {
    name: "grpc: a deadline does not reach the handler of a peer that does not read",
    edits: [edit(grpcTransport, "this.#deadline.onPassed((fault) => this.refuse(fault));", "")],
    test: inFile("grpc/transport")("a deadline ends the handler"),
  },
  {
    name: "grpc: a deadline next year has passed",
    edits: [edit("src/gateway/deadline.ts", "ms > TIMER_MAX_MS ? undefined : ms", "ms")],
    test: inFile("deadlines")("is read as"),
  },
  {
    name: "grpc: small messages wait by the thousand",
    edits: [edit(grpcTransport, "bytes.length + WRITE_BYTES", "bytes.length")],
    test: inFile("grpc/transport")("small messages that nobody reads"),
  },
  {
    name: "grpc: a stream's messages are dealt with at once, however many",
    edits: [edit("src/gateway/grpc/streams.ts", "if (crowded) await crowded;", "")],
    test: inFile("connections/pace")(
      "messages that came together leave room for others between them (grpcPort)",
    ),
  },
  {
    name: "peer: a stream's messages are dealt with at once, however many",
    edits: [edit("src/gateway/http/incoming.ts", "if (crowded) await crowded;", "")],
    test: inFile("connections/pace")(
      "messages that came together leave room for others between them (httpPort)",
    ),
  },
  {
    name: "peer: whoever sends most goes first",
    edits: [
      edit(
        "src/gateway/connections/pace.ts",
        "this.#waiting.push(resolve)",
        "this.#waiting.unshift(resolve)",
      ),
    ],
    test: inFile("connections/pace")("so many messages may be dealt with at once"),
  },
  {
    name: "grpc: half a character ends the process",
    edits: [edit("src/domain/fault.ts", "message.toWellFormed()", "message")],
    test: inFile("grpc/transport")("a failure that quotes half a character"),
  },
];
