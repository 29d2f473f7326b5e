import type { AddressedMessage, Answer } from "#actors/commands";
import type { Offer } from "#actors/scheduler/messages";
import { Fault } from "#domain/fault";
import type { TaskId } from "#domain/id";
import type { Needs } from "#domain/needs";
import { isTerminal } from "#domain/task/task";
import { type Instant, NEVER } from "#domain/time/time";
import { limits } from "#limits/index";
import type { LogFields } from "#ports/telemetry";
import type { Core } from "../core.js";
import type { Journal } from "../memory/journal.js";
import type { Workspace } from "../memory/workspace.js";
import { NodeRows } from "../nodes/node-rows.js";
import type { TurnContext } from "./context.js";
import { type Culprit, culpritKey, culpritOf, type Deciding } from "./culprit.js";
import { MessageCascade } from "./message-cascade.js";
import type { TurnRecorder } from "./recorder.js";
import type { RowLoader } from "./row-loader.js";
import { StoreError } from "./store-error.js";
import type { Verdicts } from "./verdicts.js";
import { TurnView } from "./view.js";

/** What a turn decides its messages with. */
export interface TurnTools {
  readonly core: Core;
  readonly journal: Journal;
  readonly work: Workspace;
  readonly loader: RowLoader;
  readonly at: Instant;
  readonly verdicts: Verdicts;
  readonly recorder: TurnRecorder | undefined;
  /**
   * Of a shared store: forgets what the present unit has seen, so that it is read again. False if that was done before.
   */
  readonly lookAgain?: () => boolean;
}

/** A cascade that threw. All of its changes have been rolled back. */
export class CascadeFailure {
  readonly error: unknown;
  readonly deciding: Deciding;
  readonly culprit: Culprit | undefined;

  constructor(error: unknown, deciding: Deciding, culprit: Culprit | undefined) {
    this.error = error;
    this.deciding = deciding;
    this.culprit = culprit;
  }

  /** The error that the client gets; the cause is only in the server's log. */
  get fault(): Fault {
    const text = "deciding this request failed; the server's log says why";
    return new Fault("internal", text, { cause: this.error });
  }
}

/**
 * Decides the messages of one turn, each as a cascade of its own. A message that cannot be decided does not affect
 * other messages and is not retried in every turn.
 */
export class CascadeDecider {
  readonly #tools: TurnTools;
  /** What messages without an offer share: made for the first of them. */
  #plain: TurnContext | undefined;

  constructor(tools: TurnTools) {
    this.#tools = tools;
  }

  /**
   * Decides a message and all that follows from it. Rolls the cascade back if it throws, or if verdicts are missing;
   * `Verdicts.missing` lists these, and the answer is undefined.
   *
   * @param offer workers, slots and Run ids that the scheduler may use
   * @throws {StoreError} if the store failed: this fails the whole turn
   */
  async decide(first: AddressedMessage, offer?: Offer): Promise<Answer | undefined | CascadeFailure> {
    const { core, journal, work, loader, at, verdicts, recorder } = this.#tools;
    const mark = journal.mark();
    const cascade = new MessageCascade({
      core,
      context: this.context(offer),
      actors: core.actors,
      journal,
      at,
      draw: () => core.entropy.draw(),
      loadMissing: (needs: Needs) => loader.loadMissing(needs),
      recorder,
    });
    try {
      await cascade.decide(first);
      verdicts.throwIfMissing();
      core.parked.forget(first);
      return cascade.answer;
    } catch (error) {
      journal.rollBackTo(mark);
      if (error instanceof StoreError) throw error;
      // The error may be a consequence of the missing verdict: the cascade continued as if the value were valid.
      if (verdicts.missing.length > 0) return undefined;
      if (this.#tools.lookAgain?.()) return this.decide(first, offer);
      const { deciding } = cascade;
      const culprit = culpritOf(deciding, work);
      core.telemetry.log.error("deciding a message failed", {
        ...about(first, deciding),
        ...culprit,
        err: error,
      });
      return new CascadeFailure(error, deciding, culprit);
    }
  }

  /**
   * Like {@link decide}, for a message that is repeated until it is decided: a worker's report, a deadline. If
   * deciding fails, ends the Run, Step or Task that it fails on with reason INTERNAL, the narrowest first, and
   * decides the message again. If this fails too, parks the message.
   */
  async decideForGood(first: AddressedMessage): Promise<Answer | undefined | CascadeFailure> {
    const { core, at } = this.#tools;
    if (core.parked.has(first, at)) {
      core.telemetry.count("taskrun_reports_refused_total", { cause: "parked" });
      return undefined;
    }
    const ended = new Set<string>();
    for (;;) {
      const outcome = await this.decide(first);
      if (!(outcome instanceof CascadeFailure)) return outcome;
      const { culprit } = outcome;
      if (culprit && ended.size < limits.culpritsPerMessage && (await this.end(culprit, first, ended)))
        continue;
      this.#park(first);
      return outcome;
    }
  }

  /**
   * Ends the culprit; if that throws, or was done before without effect, ends its whole Task. Returns false if neither
   * could be ended.
   */
  async end(
    culprit: Culprit,
    { message }: AddressedMessage,
    ended: Set<string> = new Set(),
  ): Promise<boolean> {
    const wholeTask: Culprit = { taskId: culprit.taskId, stepName: "", runId: "" };
    const text = `the server failed to decide about this (${message.type}); its log has the error`;
    for (const part of [culprit, wholeTask]) {
      const key = culpritKey(part);
      if (ended.has(key)) continue;
      ended.add(key);
      const abort = { type: "abort", ...part, message: `INTERNAL: ${text}` } as const;
      if (!((await this.decide({ to: "task-finalizer", message: abort })) instanceof CascadeFailure))
        return true;
    }
    return false;
  }

  context(offer?: Offer): TurnContext {
    if (offer) return this.#context(offer);
    this.#plain ??= this.#context();
    return this.#plain;
  }

  #context(offer?: Offer): TurnContext {
    const { core, work, verdicts, journal, at } = this.#tools;
    const { memory, leases, plans, entropy, node, waitingTasks, output, prices } = core;
    const newTaskId = () => entropy.uuid() as TaskId;
    const limited = { waitingTasks, output, prices };
    const parts = { work, memory, leases, plans, verdicts, newTaskId, node, ...limited };
    const view = new TurnView({ ...parts, ...(offer && { offer }) });
    if (node === undefined) return { work, memory, view };
    const { roster } = memory;
    return { work, memory, view, nodes: new NodeRows({ node, work, roster, journal, at }) };
  }

  /**
   * Postpones the message: moves its deadline, or the end of the lease that it is about. A worker's report needs no
   * such change, because the worker repeats it. The deadline of a Task that has ended is removed.
   */
  #park(addressed: AddressedMessage): void {
    const { core, work, at } = this.#tools;
    const { message } = addressed;
    if (message.type === "deadline.passed") {
      const task = work.task(message.taskId);
      if (!task || isTerminal(task.state)) {
        work.setDeadline({ ...keyOf(message), at: NEVER });
        return;
      }
    }
    const until = core.parked.park(addressed, at);
    const text = "a message cannot be decided; it is left alone for a while";
    core.telemetry.log.error(text, { ...about(addressed), until });
    if (message.type === "silent") core.leases.postpone(message.session, until);
    if (message.type === "deadline.passed") work.setDeadline({ ...keyOf(message), at: until });
  }
}

function keyOf({
  taskId,
  stepName,
  kind,
}: Extract<AddressedMessage["message"], { type: "deadline.passed" }>) {
  return { taskId, stepName, kind };
}

function about({ to, message }: AddressedMessage, { addressed }: Partial<Deciding> = {}): LogFields {
  const within =
    addressed && addressed.message !== message ? { within: `${addressed.to} ${addressed.message.type}` } : {};
  return { actor: to, message: message.type, ...within };
}
