import type { SessionId } from "#domain/id";
import { processOf, takenOver, workerNotFound } from "#domain/refusals";
import { isOver, type RunRow } from "#domain/run";
import type { Instant } from "#domain/time";
import type { Hello, ResumedRun, SessionRow } from "#domain/worker";
import type { Command } from "../commands.js";
import type { RunTrackerMessage, TrackerFound } from "./messages.js";
import { abandonRun, advance, outputAck } from "./report.js";

type Message<Type extends RunTrackerMessage["type"]> = Extract<RunTrackerMessage, { type: Type }>;

/** A worker's stream begins: it supersedes an older one, and takes back the Runs it can show. */
export function openSession(
  message: Message<"hello">,
  { session: previous, runs }: TrackerFound,
  at: Instant,
): Command[] {
  const { session: id, hello, caller, terms } = message;
  const { info, protocol, instance, capacity, resume } = hello;
  const session: SessionRow = {
    id,
    state: "serving",
    principal: caller.principal,
    instance,
    protocol,
    info,
    capacity,
    connectedAt: at,
  };
  const commands: Command[] = [];
  const rival = previous && rivalOf(previous, session);
  if (previous) {
    const message = { type: "superseded", at, ...(rival && { by: processOf(session) }) } as const;
    commands.push({ type: "advanceWorker", params: { session: previous.id, message } });
  }
  commands.push({ type: "attachWorker", params: { session } });
  if (protocol >= 1) {
    const { lease, heartbeat } = terms;
    const notice = rival && { notice: takenOver(info.workerId, processOf(rival), at) };
    const frame = { type: "welcome", session: id, heartbeat, lease, serverTime: at, ...notice } as const;
    commands.push({ type: "send", params: { session: id, frame } });
  }

  const shown = new Set<string>();
  for (const claim of resume) {
    const run = runs.find((row) => row.id === claim.runId);
    if (run && isOwn(run, claim, session)) {
      shown.add(run.id);
      commands.push(...takeBack(run, claim, id, at));
    } else {
      commands.push(cancel(id, claim.runId, "the run is no longer yours"));
    }
  }
  for (const run of runs) {
    if (previous && run.heldBy === previous.id && !shown.has(run.id))
      commands.push(giveUp(run, previous, hello, at));
  }
  return commands;
}

/**
 * The session that is superseded, if it is another process with the same worker id and still connected. Two public
 * workers cannot be told apart: they draw no instance.
 */
function rivalOf(previous: SessionRow, session: SessionRow): SessionRow | undefined {
  return previous.state !== "detached" && previous.instance !== session.instance ? previous : undefined;
}

/** A Run can be taken back only by the process that had it. */
function isOwn(run: RunRow, { fence }: ResumedRun, session: SessionRow): boolean {
  return (
    run.heldBy !== "" &&
    run.fence === fence &&
    run.principal === session.principal &&
    run.workerId === session.info.workerId &&
    run.instance === session.instance &&
    session.protocol >= 1
  );
}

function takeBack(run: RunRow, { nextSeq }: ResumedRun, session: SessionId, at: Instant): Command[] {
  const commands: Command[] = [advance(run, { type: "resumed", at, session }), outputAck(run, session)];
  if (isOver(run.status)) return [...commands, cancel(session, run.id, "the run has ended")];
  if (nextSeq <= run.nextSeq) return commands;

  const message = `output from seq ${run.nextSeq} is lost: the worker can send it only from ${nextSeq}`;
  return [...commands, advance(run, { type: "broken", at, reason: "OUTPUT_LOST", message })];
}

/** What becomes of a Run the returning worker did not show. */
function giveUp(run: RunRow, previous: SessionRow, hello: Hello, at: Instant): Command {
  const sameProcess = hello.protocol >= 1 && previous.instance === hello.instance;
  if (sameProcess && run.status === "ASSIGNED") {
    return advance(run, { type: "declined", at, message: "the assignment did not reach the worker" });
  }
  return abandonRun(run, at, "the worker came back without the run");
}

/** Makes the plane's view of what a worker holds and the worker's own agree. */
export function reconcile(
  { session, held }: Message<"held">,
  { runs }: TrackerFound,
  at: Instant,
): Command[] {
  const named = new Set(held.runIds);
  const commands: Command[] = [];
  for (const run of runs) {
    if (run.heldBy !== session || named.has(run.id) || run.ordinal > held.lastOrdinal) continue;
    commands.push(abandonRun(run, at, "the worker no longer has the run"));
  }
  for (const runId of held.runIds) {
    const run = runs.find(({ id }) => id === runId);
    if (run?.heldBy === session && !isOver(run.status)) continue;
    commands.push(
      cancel(session, runId, run?.heldBy === session ? "the run has ended" : "the run is not yours"),
    );
  }
  return commands;
}

/** The lease is over: what the worker held is lost. A heartbeat that came first has moved the lease. */
export function loseSilent({ session }: Message<"silent">, found: TrackerFound, at: Instant): Command[] {
  if (!found.session || found.leaseUntil > at) return [];

  return [
    { type: "advanceWorker", params: { session, message: { type: "silent", at } } },
    ...found.runs.map((run) => abandonRun(run, at, "the worker was silent for longer than its lease")),
  ];
}

export function drainWorker(
  { workerId, message }: Message<"drain.worker">,
  found: TrackerFound,
  at: Instant,
): Command[] {
  if (!found.session || found.session.state === "detached") {
    const fault = workerNotFound(workerId);
    return [{ type: "reply", params: { answer: { type: "fault", fault } } }];
  }
  const session = found.session.id;
  return [
    { type: "advanceWorker", params: { session, message: { type: "drain", at, message } } },
    { type: "reply", params: { answer: { type: "worker", session } } },
  ];
}

function cancel(session: SessionId, runId: RunRow["id"], reason: string): Command {
  return { type: "send", params: { session, frame: { type: "cancel", runId, reason } } };
}
