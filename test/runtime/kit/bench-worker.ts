import { type Caller, LOCAL_CALLER } from "#domain/caller";
import type { Fault } from "#domain/fault";
import type { RunId, WorkerId } from "#domain/id";
import type { HeartbeatReport, OutputReport, StatusReport } from "#domain/task/report";
import { millis } from "#domain/time/time";
import { type Announcement, NOTHING_ANNOUNCED } from "#domain/worker/agent";
import type { WorkerFrame } from "#domain/worker/frame";
import { frameBytes } from "#domain/worker/frame-size";
import type { AgentSpec, Hello, WorkerInfo } from "#domain/worker/worker";
import type { Plane, WorkerLink } from "#ports/plane";

export type AssignFrame = Extract<WorkerFrame, { type: "assign" }>;

/** A worker at the plane's very edge: it says what it is told to, and keeps what it hears. */
export interface BenchWorker {
  readonly frames: WorkerFrame[];
  readonly closed: Fault[];
  readonly link: WorkerLink;
  /** What stands for the connection: it takes every frame at once, unless told otherwise. */
  readonly transport: BenchTransport;
  /** Takes all frames; returns the assignments among them. */
  assignments(): AssignFrame[];
  /** Takes all frames; returns the one assignment that must be among them. */
  assigned(): AssignFrame;
  /** Takes all frames as one would read them: "cancel", "ack.output 3". */
  heard(): string[];
  report(runId: RunId, status: StatusReport["status"], rest?: Partial<StatusReport>): Promise<void>;
  output(runId: RunId, seq: number, content: string, rest?: Partial<OutputReport>): Promise<void>;
  beat(held: readonly RunId[], lastOrdinal: number, rest?: Partial<HeartbeatReport>): Promise<void>;
  /** A heartbeat that says nothing of Runs. */
  alive(rest?: Partial<HeartbeatReport>): Promise<void>;
}

export interface BenchTransport {
  reads: boolean;
  unsentBytes: number;
  /** Frames at which it throws. */
  breaksOn?: (frame: WorkerFrame) => boolean;
}

export type BenchWorkerOptions = Partial<Omit<Hello, "info">> & {
  readonly agents?: readonly string[];
  /** What they announce, by name. */
  readonly announced?: Readonly<Record<string, Partial<Announcement>>>;
  readonly info?: Partial<WorkerInfo>;
  /** Whose worker it is. Default: the local caller's. */
  readonly caller?: Caller;
};

export function workerOf(plane: Plane, id: string, options: BenchWorkerOptions): BenchWorker {
  const frames: WorkerFrame[] = [];
  const closed: Fault[] = [];
  const transport: BenchTransport = { reads: true, unsentBytes: 0 };
  const link = plane.connect(options.caller ?? LOCAL_CALLER, {
    get unsentBytes() {
      return transport.unsentBytes;
    },
    send: (frame) => {
      if (transport.breaksOn?.(frame)) throw new Error("the transport is broken");
      frames.push(frame);
      if (transport.reads) return;
      transport.unsentBytes += frameBytes(frame);
    },
    close: (fault) => {
      closed.push(fault);
      link.closed();
    },
  });
  const { agents: names = ["echo"], announced = {}, info: more = {}, caller: _, ...rest } = options;
  const agents = names.map((name): AgentSpec => {
    const said = announced[name];
    const own = said && { announced: { ...NOTHING_ANNOUNCED, digest: JSON.stringify(said), ...said } };
    return { name, description: "", labels: {}, backends: [], ...own };
  });
  const workerId = id as WorkerId;
  const info = { workerId, hostname: "here", version: "1", agents, labels: {}, namespaces: [], ...more };
  const instance = options.protocol === 0 ? "" : `${id}-1`;
  void link.receive({ type: "hello", info, protocol: 1, instance, capacity: 10, resume: [], ...rest });

  let beat = 0;
  const heartbeat = (more: Partial<HeartbeatReport>) =>
    link.receive({ type: "heartbeat", workerId, status: "IDLE", beat: 0, ...more });
  const assignments = () => frames.splice(0).flatMap((frame) => (frame.type === "assign" ? [frame] : []));
  return {
    frames,
    closed,
    link,
    transport,
    assignments,
    assigned: () => {
      const [frame, ...others] = assignments();
      if (!frame || others.length > 0)
        throw new Error(`${id} got ${frame ? 1 + others.length : 0} assignments`);
      return frame;
    },
    heard: () =>
      frames
        .splice(0)
        .map((frame) => (frame.type === "ack.output" ? `ack.output ${frame.nextSeq}` : frame.type)),
    report: (runId, status, rest = {}) => {
      const nothing = { errorMessage: "", backend: null, output: "", retryAfter: millis(0) };
      return link.receive({ type: "status", runId, status, ...nothing, ...rest });
    },
    output: (runId, seq, content, rest = {}) =>
      link.receive({ type: "output", runId, seq, content, isFinal: false, metadata: {}, sentAt: 0, ...rest }),
    beat: (runIds, lastOrdinal, rest = {}) =>
      heartbeat({ beat: ++beat, held: { runIds, lastOrdinal }, ...rest }),
    alive: (rest = {}) => heartbeat(rest),
  };
}
