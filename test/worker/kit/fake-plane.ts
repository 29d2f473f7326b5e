import { once } from "node:events";
import { createServer, type Http2Server, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { ErrorInfoSchema } from "#wire/gen/google/rpc/error_details_pb";
import { RunStatus } from "#wire/gen/taskrun/v1/common_pb";
import {
  type GetJournalRequest,
  type GetRunInputRequest,
  type GetRunStepResultRequest,
  type JournalRecord,
  type RunAssignmentSchema,
  type RunClientMessage,
  RunServerMessageSchema,
  RunService,
  type RunStatusUpdate,
  type ServerAckSchema,
} from "#wire/gen/taskrun/v1/run_service_pb";

type Said = RunClientMessage["payload"];
type Case = Exclude<Said["case"], undefined>;
type ValueOf<Name extends Case> = Extract<Said, { case: Name }>["value"];

const ENDS: ReadonlySet<RunStatus> = new Set([RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED]);
type Frame = NonNullable<MessageInitShape<typeof RunServerMessageSchema>["payload"]>;

/** True of a message by which a worker ends a Run. */
function isEnd(said: Said): said is Extract<Said, { case: "yield" | "suspend" | "statusUpdate" }> {
  if (said.case === "statusUpdate") return ENDS.has(said.value.status);
  return said.case === "yield" || said.case === "suspend";
}

/** What a worker has not said for so long, among all that it may have said, it will never say. */
const UNHEARD_MS = 30_000;
/** The real one, whatever a test does to the time of the worker. */
const { setTimeout, clearTimeout } = globalThis;

/** @throws {Error} if what a test waits for does not happen */
export async function soon<Heard>(what: string, heard: Promise<Heard>): Promise<Heard> {
  let late: NodeJS.Timeout | undefined;
  const unheard = new Promise<never>((_, reject) => {
    late = setTimeout(() => reject(new Error(`${what}: not within ${UNHEARD_MS} ms`)), UNHEARD_MS);
  });
  return Promise.race([heard, unheard]).finally(() => clearTimeout(late));
}

/** A queue that is read by waiting. */
class Mailbox<Item> {
  readonly #items: Item[] = [];
  #wake = (): void => {};
  #closed = false;

  push(item: Item): void {
    this.#items.push(item);
    this.#wake();
  }

  close(): void {
    this.#closed = true;
    this.#wake();
  }

  /** The next item, or undefined once closed and empty. */
  async take(): Promise<Item | undefined> {
    while (this.#items.length === 0 && !this.#closed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#items.shift();
  }
}

/**
 * One worker stream as the plane sees it. It answers what a test tells it to and, as any plane does, heartbeats
 * and repeats: an end or output that it has answered once gets the same answer each time it is said again.
 */
export interface WelcomeTerms {
  readonly heartbeatMs?: number;
  readonly leaseMs?: number;
  readonly serverTimeMs?: number;
  readonly session?: string;
  /** Empty: the plane binds its assignments to nothing. */
  readonly incarnation?: string;
  /** Default 3: it keeps journals and usage. */
  readonly protocol?: number;
}

export class PlaneSession {
  readonly said = new Mailbox<Said>();
  readonly toSay = new Mailbox<Frame>();
  /** Everything the worker has said, in order. */
  readonly log: Said[] = [];
  /** Acknowledge heartbeats, and so keep the lease alive. */
  beating = true;
  failure: ConnectError | undefined;
  #ordinal = 0n;
  /** Runs whose end the worker has told. */
  readonly #ended = new Set<string>();
  /** What was answered to a run's end: an acknowledgement, or a cancel. */
  readonly #answers = new Map<string, Frame>();
  /** The first seq of each run that was not acknowledged. */
  readonly #durable = new Map<string, bigint>();

  /** Takes in what the worker says, as it comes off the wire. */
  take(said: Said): void {
    this.log.push(said);
    this.said.push(said);
    if (said.case === "heartbeat" && this.beating) {
      this.ack({ ackType: "heartbeat", beat: said.value.beat });
    } else if (said.case === "outputChunk") {
      const { runId, seq } = said.value;
      const nextSeq = this.#durable.get(runId) ?? 0n;
      if (seq < nextSeq) this.ack({ ackType: "output", refId: runId, nextSeq });
    } else if (isEnd(said)) {
      const { runId } = said.value;
      const answer = this.#answers.get(runId);
      if (answer) this.toSay.push(answer);
      this.#ended.add(runId);
    }
  }

  /** The next message of this kind; messages of other kinds before it are passed over. */
  async hear<Name extends Case>(name: Name): Promise<ValueOf<Name>> {
    const { value } = await this.#said(name, (said) => said.case === name);
    return value as ValueOf<Name>;
  }

  /** The next word about the end of a run; of its start there may be one before, or none. */
  async hearEnd(): Promise<RunStatusUpdate> {
    for (;;) {
      const update = await this.hear("statusUpdate");
      if (update.status !== RunStatus.RUNNING) return update;
    }
  }

  /** The next message, of whatever kind but heartbeats. */
  async next(): Promise<Said> {
    return this.#said("anything", (said) => said.case !== "heartbeat");
  }

  /** The next message that is one of these; others before it are passed over. */
  #said(what: string, isWanted: (said: Said) => boolean): Promise<Said> {
    const hear = async () => {
      for (;;) {
        const next = await this.said.take();
        if (!next) throw new Error(`the worker closed its side before it said ${what}`);
        if (isWanted(next)) return next;
      }
    };
    return soon(`the worker says ${what}`, hear());
  }

  send(frame: Frame): void {
    if (frame.case === "cancelRun" && this.#ended.has(frame.value.runId ?? "")) {
      this.#answers.set(frame.value.runId ?? "", frame);
    }
    this.toSay.push(frame);
  }

  welcome(terms: WelcomeTerms = {}): void {
    const { heartbeatMs = 5_000, leaseMs = 30_000, serverTimeMs = Date.now() } = terms;
    const { session = "s1", incarnation = "", protocol = 3 } = terms;
    this.send({
      case: "welcome",
      value: {
        heartbeatMs: BigInt(heartbeatMs),
        leaseMs: BigInt(leaseMs),
        serverTimeMs: BigInt(serverTimeMs),
        session,
        incarnation,
        protocol,
      },
    });
  }

  assign(value: MessageInitShape<typeof RunAssignmentSchema>): void {
    this.#ordinal += 1n;
    const defaults = {
      taskId: "t1",
      stepName: "main",
      agentName: "echo",
      inputJson: "{}",
      attempt: 1,
      fence: 1,
    };
    this.send({ case: "assignRun", value: { ...defaults, ordinal: this.#ordinal, ...value } });
  }

  ack(value: MessageInitShape<typeof ServerAckSchema>): void {
    const { ackType, refId = "", nextSeq = 0n } = value;
    if (ackType === "status") this.#answers.set(refId, { case: "ack", value });
    if (ackType === "output") this.#durable.set(refId, nextSeq);
    this.send({ case: "ack", value });
  }

  /** Ends the stream from the plane's side. */
  end(): void {
    this.toSay.close();
  }

  /** Ends the stream with INVALID_ARGUMENT. */
  fail(message: string): void {
    this.failure = new ConnectError(message, Code.InvalidArgument);
    this.end();
  }
}

/** A call refused as the plane does it: with a code and, for programs, a reason. */
export function refusal(code: Code, reason: string, message: string): ConnectError {
  const info = { desc: ErrorInfoSchema, value: { reason, domain: "taskrun" } };
  return new ConnectError(message, code, undefined, [info]);
}

/** A plane that listens on a free port of the loopback and does as it is told. */
export class FakePlane {
  readonly #server: Http2Server;
  readonly #peers = new Set<ServerHttp2Session>();
  readonly #arrivals = new Mailbox<PlaneSession>();
  /** What a worker is answered that reads a journal. */
  readJournal = async (_: Pick<GetJournalRequest, "fromSeq">): Promise<JournalRecord[]> => [];
  /** What a worker is answered that reads a result. */
  readResult = async ({ stepName }: Pick<GetRunStepResultRequest, "stepName">): Promise<string> => {
    throw refusal(Code.NotFound, "STEP_NOT_FOUND", `Step "${stepName}" is none that must be done before.`);
  };

  /** What a worker is answered that reads an input. */
  readInput = async ({ runId }: Pick<GetRunInputRequest, "runId">): Promise<string> => {
    throw refusal(Code.NotFound, "RUN_NOT_FOUND", `Run not found: ${runId}`);
  };

  private constructor(server: Http2Server) {
    this.#server = server;
    server.on("session", (peer) => {
      this.#peers.add(peer);
      peer.once("close", () => this.#peers.delete(peer));
      peer.on("error", () => {}); // a broken connection is what these tests are about
    });
  }

  static async start(host = "127.0.0.1"): Promise<FakePlane> {
    const arrived = (session: PlaneSession): void => plane.#arrivals.push(session);
    const handler = connectNodeAdapter({
      routes: (router) =>
        router.service(RunService, {
          streamConnect: async function* (messages) {
            const session = new PlaneSession();
            arrived(session);
            void listen(session, messages);
            for (let frame = await session.toSay.take(); frame; frame = await session.toSay.take()) {
              yield create(RunServerMessageSchema, { payload: frame });
            }
            if (session.failure) throw session.failure;
          },
          getStepResult: async (wanted) => ({ outputJson: await plane.readResult(wanted) }),
          getJournal: async (wanted) => ({ records: await plane.readJournal(wanted) }),
          getRunInput: async (wanted) => ({ inputJson: await plane.readInput(wanted) }),
        }),
    });
    const plane = new FakePlane(createServer(handler));
    plane.#server.listen(0, host);
    await once(plane.#server, "listening");
    return plane;
  }

  get addr(): string {
    const { address, port, family } = this.#server.address() as AddressInfo;
    return family === "IPv6" ? `[${address}]:${port}` : `${address}:${port}`;
  }

  /** The next stream that a worker opens. */
  async accept(): Promise<PlaneSession> {
    const session = await soon("a worker opens a stream", this.#arrivals.take());
    if (!session) throw new Error("the plane has stopped");
    return session;
  }

  /** The next stream, greeted, with its hello passed over. */
  async greet(terms?: Parameters<PlaneSession["welcome"]>[0]): Promise<PlaneSession> {
    const session = await this.accept();
    await session.hear("hello");
    session.welcome(terms);
    return session;
  }

  /** Cuts every connection, as a dying server would. */
  cut(): void {
    for (const peer of this.#peers) peer.destroy();
  }

  async stop(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.cut();
    await closed;
  }
}

async function listen(session: PlaneSession, messages: AsyncIterable<RunClientMessage>): Promise<void> {
  try {
    for await (const { payload } of messages) session.take(payload);
  } catch {
    // Cut off; what was said until then stays in the log.
  }
  session.said.close();
  session.end();
}
