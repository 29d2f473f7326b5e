import { mayUse } from "#domain/caller";
import type { Fault } from "#domain/fault";
import type { RunId, SessionId } from "#domain/id";
import { isOfFormerLife, isSameLife } from "#domain/incarnation";
import { processOf, runNotYours, takenOver, workerIdTaken } from "#domain/refusals";
import { isOver, type RunRow } from "#domain/task/run";
import type { Instant } from "#domain/time/time";
import type { ResumedRun, SessionRow } from "#domain/worker/worker";
import type { Command } from "../commands.js";
import { advanceRun, advanceWorker, refuse } from "../make-command.js";
import type { MessageView } from "../view.js";
import type { RunTrackerHandler, RunTrackerMessageOf } from "./handler.js";
import { abandonRun, cancelRun, giveUp, outputAck, runsAt } from "./runs.js";

/** A worker's stream begins: it supersedes an older one, and takes back the Runs it can show. */
export const hello: RunTrackerHandler<"hello"> = {
  needs: (message, view) => ({
    runs: runIdsOf(message, view),
    workers: view.workerKeys(message.caller.principal, message.hello.info.workerId),
    heldBy: sessionsElsewhere(message, view),
  }),

  decide(message, view, { at }) {
    const impostor = impostorOf(message, view);
    if (impostor) return [refuse(impostor)];
    const previous = previousOf(message, view);
    const older = olderOf(message, previous, view);
    const session = sessionOf(message, at);
    const rival = previous && rivalOf(previous, session);
    return [
      ...(previous ? [supersede(previous, rival && session, at)] : []),
      ...(older ? [supersede(older, undefined, at)] : []),
      { type: "attachWorker", params: { session } },
      ...(session.protocol >= 1 ? [welcome(message, rival, at)] : []),
      ...resumeRuns(message, session, [previous, older], view, at),
      ...(older ? [{ type: "forgetWorker", params: { session: older.id } } as const] : []),
    ];
  },
};

/** Why the worker is not who it says it is: its id is another principal's, or a Run that it shows is. */
function impostorOf({ caller, hello }: RunTrackerMessageOf<"hello">, view: MessageView): Fault | undefined {
  const { principal } = caller;
  const owner = view.ownerOf(hello.info.workerId);
  if (owner && owner.principal !== principal) return workerIdTaken(hello.info.workerId);
  const foreign = hello.resume.find(({ runId }) => {
    const run = view.run(runId);
    // One in a namespace that is not the caller's is answered as one that does not exist.
    return run && run.principal !== principal && mayUse(caller, run.namespace);
  });
  return foreign && runNotYours(foreign.runId);
}

/** The session that the new one supersedes. Where nodes share the store, the worker's row says which, and on any node. */
function previousOf(
  { caller, hello }: RunTrackerMessageOf<"hello">,
  view: MessageView,
): SessionRow | undefined {
  const row = view.workerRow(caller.principal, hello.info.workerId);
  if (!row) return view.sessionOf(caller.principal, hello.info.workerId);
  if (row.session.state === "gone") return undefined;
  return view.session(row.session.id) ?? row.session;
}

/** The session that the new one supersedes, if this node does not have it, and so does not know what it holds. */
function sessionsElsewhere(message: RunTrackerMessageOf<"hello">, view: MessageView): readonly SessionId[] {
  const previous = previousOf(message, view);
  return previous && !view.session(previous.id) ? [previous.id] : [];
}

/**
 * A session of this node that another node's has superseded, and this node was not told yet. It may hold Runs that it was
 * given meanwhile.
 */
function olderOf(
  { caller, hello }: RunTrackerMessageOf<"hello">,
  previous: SessionRow | undefined,
  view: MessageView,
): SessionRow | undefined {
  const known = view.sessionOf(caller.principal, hello.info.workerId);
  return previous && known?.id !== previous.id ? known : undefined;
}

/** The Runs that older sessions hold, and those that the worker shows. */
function runIdsOf(message: RunTrackerMessageOf<"hello">, view: MessageView): RunId[] {
  const previous = previousOf(message, view);
  const older = olderOf(message, previous, view);
  const held = [previous, older].flatMap((session) => (session ? [...view.heldBy(session.id)] : []));
  return [...held, ...message.hello.resume.map(({ runId }) => runId)];
}

function sessionOf({ session: id, caller, hello }: RunTrackerMessageOf<"hello">, at: Instant): SessionRow {
  const { info, protocol, instance, capacity } = hello;
  const { principal } = caller;
  return { id, state: "serving", principal, instance, protocol, info, capacity, connectedAt: at };
}

/** @param by the new session, if it is another process */
function supersede({ id }: SessionRow, by: SessionRow | undefined, at: Instant): Command {
  return advanceWorker(id, { type: "superseded", at, ...(by && { by: processOf(by) }) });
}

function welcome(
  { session: id, hello, terms, incarnation }: RunTrackerMessageOf<"hello">,
  rival: SessionRow | undefined,
  at: Instant,
): Command {
  const { lease, heartbeat } = terms;
  const notice = rival && { notice: takenOver(hello.info.workerId, processOf(rival), at) };
  const bound = incarnation !== undefined && { incarnation };
  const frame = {
    type: "welcome",
    session: id,
    heartbeat,
    lease,
    serverTime: at,
    ...notice,
    ...bound,
  } as const;
  return { type: "send", params: { session: id, frame } };
}

function resumeRuns(
  message: RunTrackerMessageOf<"hello">,
  session: SessionRow,
  formers: readonly (SessionRow | undefined)[],
  view: MessageView,
  at: Instant,
): Command[] {
  const { hello, incarnation = "", restored } = message;
  const sameLife = isSameLife(hello.incarnation ?? "", incarnation);
  const isFormer = (run: RunRow | undefined) =>
    !sameLife || (run !== undefined && isOfFormerLife(run, restored));
  const commands: Command[] = [];
  const shown = new Set<string>();
  for (const claim of hello.resume) {
    const run = view.run(claim.runId);
    if (isFormer(run)) {
      commands.push(cancelRun(session.id, claim.runId, RESTORED));
    } else if (run && isOwn(run, claim, session)) {
      shown.add(run.id);
      commands.push(...takeBack(run, claim, session.id, at));
    } else {
      commands.push(cancelRun(session.id, claim.runId, "the run is no longer yours"));
    }
  }
  for (const run of runsAt(runIdsOf(message, view), view)) {
    const former = formers.find((each) => each?.id === run.heldBy);
    if (former && !shown.has(run.id)) {
      const sameProcess = session.protocol >= 1 && former.instance === session.instance;
      // That it shows no such Run does not say that it has not begun it: it may have ended it since the backup.
      commands.push(isFormer(run) ? abandonRun(run, at, RESTORED) : giveUp(run, sameProcess, at));
    }
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

/** Of a Run that was assigned before the store was restored. */
const RESTORED =
  "the server's store was restored from a backup: what was assigned before is not taken up again, and the step is tried anew";

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
  const commands: Command[] = [advanceRun(run, { type: "resumed", at, session }), outputAck(run, session)];
  if (isOver(run.status)) return [...commands, cancelRun(session, run.id, "the run has ended")];
  if (nextSeq <= run.nextSeq) return commands;

  const message = `output from seq ${run.nextSeq} is lost: the worker can send it only from ${nextSeq}`;
  return [...commands, advanceRun(run, { type: "broken", at, reason: "OUTPUT_LOST", message })];
}
