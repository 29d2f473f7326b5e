import { mayHaveMore, misfitOf } from "#actors/scheduler/placement";
import type { Caller } from "#domain/caller";
import type { Pause } from "#domain/pause/pause";
import { type Lane, laneOfKey } from "#domain/task/lane";
import type { StaleTerms } from "#domain/task/staleness";
import type { ReadyStep } from "#domain/task/step";
import { type Instant, NEVER } from "#domain/time/time";
import { type RefusalCause, refusalCauses, type WorkerAnswer } from "#domain/worker/refusal";
import type { SessionRow } from "#domain/worker/worker";
import { type WorkerKey, workerRowKey } from "#domain/worker/worker-row";
import { limits } from "#limits/index";
import type { ExplainPlane } from "#ports/plane";
import type { Core } from "../core.js";
import { assess } from "../staleness.js";
import type { Supervisor } from "../supervisor.js";
import { maySee, pauseOf, seenElsewhere } from "./workers.js";

/** A worker as far as its answer depends on it. */
interface Candidate {
  readonly session: SessionRow;
  readonly held: number;
  /** Of these, Runs of the Step's agent. */
  readonly heldOfAgent: number;
  /** True if it takes one Run of a Task at a time, and holds one of this Task. */
  readonly holdsTask: boolean;
  /** When it is lost, if its stream has ended. */
  readonly lostAt: Instant;
  readonly isUnread: boolean;
  /** Present if an operator has paused it. */
  readonly pause: Pause | undefined;
}

type Refusal = Omit<WorkerAnswer, "workerId">;

/** The operations of the plane that explain why a Step does not run: by the rules of the scheduler, as the last commit left them. */
export function explainOperations({ core }: Supervisor, stale: StaleTerms): ExplainPlane {
  return {
    now: () => core.clock.now(),
    workerAnswers: (caller, step) => answersOf(core, caller, step),
    absences: (held) => absencesOf(core, held),
    staleness: async (detail) => (await assess(core, stale, detail)).staleness,
  };
}

/** Of workers of this node from memory; of those of other nodes by their rows, and by whether their node is at work. */
async function absencesOf(
  core: Core,
  held: Parameters<ExplainPlane["absences"]>[0],
): Promise<ReadonlyMap<string, Instant>> {
  const { memory, leases, store, node } = core;
  const absences = new Map<string, Instant>();
  const elsewhere = new Map<WorkerKey, string>();
  for (const { heldBy, principal, workerId } of held) {
    const own = heldBy === "" ? undefined : memory.roster.committedOf(heldBy);
    if (own?.row.state === "detached") absences.set(heldBy, leases.until(own.row.id));
    if (!own && heldBy !== "") elsewhere.set(workerRowKey(principal, workerId), heldBy);
  }
  if (!store.nodes || node === undefined || elsewhere.size === 0) return absences;

  const keys = [...elsewhere.keys()].slice(0, limits.pollWorkers);
  const workers = keys.map((key) => ({ key, revision: 0 }));
  const polled = await store.nodes.poll({ node, since: core.clock.now(), tasks: [], workers });
  const atWork = new Set(
    (await store.nodes.list())
      .filter(({ state }) => state === "live" || state === "draining")
      .map(({ id }) => id),
  );
  for (const { key, session, node: its } of polled.workers) {
    const isGone = session.state === "detached" || session.state === "gone" || !atWork.has(its);
    if (isGone && elsewhere.get(key) === session.id) absences.set(session.id, NEVER);
  }
  return absences;
}

async function answersOf(core: Core, caller: Caller, step: ReadyStep): Promise<WorkerAnswer[]> {
  const lane = laneOfKey(step.lane);
  if (!lane) return [];
  const candidates = own(core, lane, step);
  for await (const { row, view } of seenElsewhere(core)) {
    candidates.push({
      pause: view.pause,
      session: row.session,
      held: view.activeRuns,
      heldOfAgent: 0,
      holdsTask: false,
      lostAt: NEVER,
      isUnread: false,
    });
  }
  const now = core.clock.now();
  return candidates
    .filter(({ session }) => session.state !== "gone" && maySee(session, caller))
    .map((each) => ({ workerId: each.session.info.workerId, ...answerOf(each, lane, step, now) }))
    .toSorted((a, b) => nearnessOf(b) - nearnessOf(a) || (a.workerId < b.workerId ? -1 : 1));
}

function own(core: Core, { agentName }: Lane, { taskId }: ReadyStep): Candidate[] {
  const { memory, leases } = core;
  const free = limits.unsentBytes - leases.unsentBytes();
  return memory.roster.committed().map(({ row, held }) => {
    const sink = leases.sink(row.id);
    return {
      pause: pauseOf(row, core),
      session: row,
      held,
      heldOfAgent: memory.roster.heldOf(row.id, agentName),
      holdsTask: memory.roster.hasItsRunOf(row.id, taskId),
      lostAt: leases.until(row.id),
      isUnread: sink !== undefined && !mayHaveMore(sink.unsentBytes, free),
    };
  });
}

function answerOf(candidate: Candidate, lane: Lane, step: ReadyStep, now: Instant): Refusal {
  const { session, held, heldOfAgent, holdsTask, lostAt, isUnread, pause } = candidate;
  const { info, capacity, state } = session;
  const misfit = misfitOf(session, lane);
  if (misfit !== undefined) return refused(misfit, misfit === "LABELS" ? lackingOf(session, lane) : "");
  if (state === "detached") return refused("GONE", "", lostAt);
  if (state === "draining") return refused("DRAINING");
  if (state === "failing") return refused("FAILING");
  if (pause) return refused("PAUSED", `by ${pause.by}${pause.reason && `: ${pause.reason}`}`, pause.until);
  if (step.avoidWorker === info.workerId && step.avoidUntil > now)
    return refused("AVOIDED", "", step.avoidUntil);
  if (held >= capacity) return refused("SLOTS", `${held} of ${capacity}`);
  const concurrency = info.agents.find(({ name }) => name === lane.agentName)?.announced?.concurrency ?? 0;
  if (concurrency > 0 && heldOfAgent >= concurrency) {
    return refused("AGENT_SLOTS", `${heldOfAgent} of ${concurrency}`);
  }
  if (holdsTask) return refused("TASK_HELD");
  return isUnread ? refused("UNREAD") : { cause: "", detail: "", until: NEVER };
}

function refused(cause: RefusalCause, detail = "", until: Instant = NEVER): Refusal {
  return { cause, detail, until };
}

/** The labels of the selector that the worker has not, as `name=value`. */
function lackingOf({ info }: SessionRow, { selector }: Lane): string {
  return Object.entries(selector)
    .filter(([name, value]) => info.labels[name] !== value)
    .map(([name, value]) => `${name}=${value}`)
    .join(", ");
}

/** Higher for a worker that lacks less. */
function nearnessOf({ cause }: Refusal): number {
  return cause === "" ? refusalCauses.length : refusalCauses.indexOf(cause);
}
