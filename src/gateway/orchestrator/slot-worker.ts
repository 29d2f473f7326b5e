import { noteRefusal, readsOf, run } from "#api/use-case";
import { connectWorker, type Introduced } from "#api/workers/connect-worker";
import { checkId } from "#api/workers/report-limits";
import type { Caller } from "#domain/caller";
import { Fault } from "#domain/fault";
import type { TaskId, WorkerId } from "#domain/id";
import { clip } from "#domain/text/text";
import { type Instant, later, millis } from "#domain/time/time";
import type { WorkerFrame } from "#domain/worker/frame";
import type { AgentSpec } from "#domain/worker/worker";
import { limits } from "#limits/index";
import type { WorkerLink } from "#ports/plane";
import type {
  TaskAssignment,
  WorkerHeartbeat,
  WorkerResponse,
} from "#wire/gen/orchestrator/v1/orchestrator_pb";
import type { StreamCall } from "../rpc.js";
import type { WorkerDialogue } from "../worker-stream.js";
import { assignmentOf } from "./assignment.js";
import { type Given, progressReports, resultReport } from "./reports.js";
import { inWords } from "./words.js";

/** What our fields are called in its messages. */
const names: Readonly<Record<string, string>> = { "info.worker_id": "heartbeat.worker_id" };

/**
 * A worker of orchestrator.v1, for the plane one of the public protocol. It names Runs by their Task, counts free slots, does not say
 * which agents it runs, and cannot be told to stop a Run: a Run stays with it, and takes its slot, until it has sent the result.
 */
export class SlotWorker implements WorkerDialogue<WorkerResponse, TaskAssignment> {
  readonly #call: StreamCall;
  /** The Runs that it was given and has not sent the result of, by their Tasks. */
  readonly #given = new Map<TaskId, Given>();
  /** The Tasks of which earlier streams of the worker have lost a Run that it may still be at, and until when it gets none of them. */
  readonly #lost = new Map<TaskId, Instant>();
  /** Why an operator wants it to be given nothing more; undefined while nobody does. */
  #drained: string | undefined;
  /** As it says it; empty if it says none, so that nobody can tell what earlier streams were its own. */
  #workerId = "";
  #link: WorkerLink | undefined;
  #mayRun: (agent: string) => boolean = () => true;
  /** With the namespaces that its agents are asked for in. */
  #caller: Caller;

  constructor(call: StreamCall) {
    this.#call = call;
    this.#caller = call.caller;
  }

  async introduced({ message }: WorkerResponse): Promise<Introduced | undefined> {
    if (message.case === undefined) return undefined;
    if (message.case !== "heartbeat") {
      const text = `${message.case} came before the first heartbeat: a worker registers by a heartbeat.`;
      throw new Fault("invalid", text, { field: message.case, reason: "HEARTBEAT_EXPECTED" });
    }
    await this.#readRecord(message.value.workerId);
    const { workerId, workerAddress, availableSlots } = message.value;
    const { entropy } = this.#call.services;
    const slots = slotsOf(availableSlots);
    this.#workerId = workerId;
    const info = {
      workerId: workerId || entropy.uuid(),
      hostname: clip(workerAddress, limits.idBytes),
      version: "orchestrator.v1",
      agents: await this.#agents(),
      labels: {},
      maxConcurrentRuns: slots,
      namespaces: [],
    };
    const hello = { info, resume: [], instance: "", protocol: 0 };
    const introduced = await run(connectWorker, hello, this.#call);
    for (const taskId of this.#inHand.of(this.#caller.principal, workerId)) this.#loseUntilLater(taskId);
    const its = { ...introduced.hello.info, oneRunPerTask: true, lostTasks: [...this.#lost.keys()] } as const;
    // Not the capacity of a worker that says none: one without free slots gets nothing yet.
    return { ...introduced, hello: { ...introduced.hello, info: its, capacity: slots } };
  }

  connected(link: WorkerLink): void {
    this.#link = link;
  }

  async hear({ message }: WorkerResponse, link: WorkerLink): Promise<void> {
    switch (message.case) {
      case "heartbeat":
        return link.receive(await this.#beat(message.value));
      case "progress": {
        const given = this.#givenOf(message.value.taskId, "progress");
        if (!given) return;
        for (const report of progressReports(given, message.value, this.#now)) await link.receive(report);
        return;
      }
      case "result": {
        const given = this.#givenOf(message.value.taskId, "result");
        if (!given) return;
        this.#given.delete(given.taskId);
        this.#released(given.taskId);
        await link.receive(resultReport(given, message.value));
        return this.#endIfDrained();
      }
      case undefined:
        this.#countRefused("unknown_kind");
    }
  }

  inItsWords(error: Error): Error {
    return inWords(names, error) as Error;
  }

  tell(frame: WorkerFrame): TaskAssignment | undefined {
    if (frame.type === "drain") {
      this.#drained = frame.reason;
      this.#endIfDrained();
    }
    if (frame.type !== "assign") return undefined;
    const { runId, taskId } = frame;
    if (this.#given.has(taskId) || this.#lost.has(taskId)) {
      // The plane gives no second one. If it did, the worker could not tell the results apart.
      const reason = "the worker has another run of the task in hand";
      this.#link?.receive({ type: "decline", runId, reason }).catch(() => undefined);
      return undefined;
    }
    this.#inHand.add(this.#caller.principal, this.#workerId, taskId);
    this.#given.set(taskId, { runId, taskId, toldAt: this.#now, spoken: false, reported: 0, written: 0 });
    return assignmentOf(frame);
  }

  /** Its protocol has no word for a drain: the stream ends instead, once nothing is in hand. */
  #endIfDrained(): void {
    if (this.#drained === undefined || this.#given.size > 0) return;
    const why = this.#drained === "" ? "" : ` (${this.#drained})`;
    const message = `the worker was drained${why}: it is given no more Tasks on this stream. Stop it, or connect anew to get more.`;
    this.#call.end(new Fault("unavailable", message, { reason: "DRAINED" }));
  }

  get #inHand() {
    return this.#call.services.inHand;
  }

  get #now() {
    return this.#call.services.plane.now();
  }

  /**
   * The capacity is what is free and what is taken. Of what has just been sent nobody knows whether the worker has counted it:
   * until its next heartbeat it has too few slots rather than too many.
   */
  async #beat({ workerId, availableSlots }: WorkerHeartbeat) {
    checkId(workerId, "heartbeat.worker_id");
    const free = slotsOf(availableSlots);
    const counted = [...this.#given.values()].filter(
      ({ spoken, toldAt }) => spoken || this.#now - toldAt >= limits.slotsLag,
    );
    const capacity = Math.max(free + counted.length, Math.min(this.#given.size, 1));
    return {
      type: "heartbeat",
      workerId: workerId as WorkerId,
      status: "IDLE",
      capacity: Math.min(capacity, limits.maxRunsPerWorker),
      beat: 0,
      agents: await this.#agents(),
      lostTasks: this.#stillLost(),
    } as const;
  }

  async #agents(): Promise<AgentSpec[]> {
    const { services } = this.#call;
    const { submitted, plane } = services;
    const caller = this.#caller;
    const reads = readsOf({ services, caller });
    const names = await submitted.namesFor({ reads, plane, caller, mayRun: this.#mayRun });
    return names.map((name) => ({ name, description: "", labels: {}, backends: [] }));
  }

  /** A worker that was invited runs no other agents, and for no other namespaces, than its invitation names. */
  async #readRecord(workerId: string): Promise<void> {
    const { services, caller } = this.#call;
    if (!caller.certificate || !services.enrolment) return;
    const refused = (error: unknown): never => {
      const id = clip(workerId, limits.idBytes) as WorkerId;
      noteRefusal("worker.connect", { kind: "new_worker", id, namespaces: [] }, error, this.#call);
      throw error;
    };
    const { agents, namespaces } = await services.enrolment.admit(caller.certificate).catch(refused);
    this.#caller = { ...caller, namespaces };
    if (agents.length > 0) this.#mayRun = (name) => agents.includes(name);
  }

  /** The Run that a message is about. What is said of a lost one counts for no other Run of its Task. */
  #givenOf(taskId: string, what: "progress" | "result"): Given | undefined {
    const id = taskId as TaskId;
    const given = this.#given.get(id);
    if (given) return given;
    const isLost = this.#lost.has(id);
    if (isLost && what === "progress") this.#loseUntilLater(id);
    if (isLost && what === "result") {
      this.#lost.delete(id);
      this.#released(id);
    }
    this.#countRefused(isLost ? "stale" : "unknown");
    return undefined;
  }

  #loseUntilLater(taskId: TaskId): void {
    const { publicLease } = this.#call.services.plane.terms;
    this.#lost.set(taskId, later(this.#now, millis(limits.lostLeases * publicLease)));
  }

  #stillLost(): readonly TaskId[] {
    for (const [taskId, until] of this.#lost) {
      if (this.#now < until) continue;
      this.#lost.delete(taskId);
      this.#released(taskId);
    }
    return [...this.#lost.keys()];
  }

  #released(taskId: TaskId): void {
    this.#inHand.delete(this.#caller.principal, this.#workerId, taskId);
  }

  #countRefused(cause: string): void {
    this.#call.telemetry.count("taskrun_reports_refused_total", { cause });
  }
}

function slotsOf(availableSlots: number): number {
  return Math.min(Math.max(availableSlots, 0), limits.maxRunsPerWorker);
}
