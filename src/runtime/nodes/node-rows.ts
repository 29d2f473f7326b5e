import type { Command } from "#actors/commands";
import type { WorkerMessage } from "#actors/worker/messages";
import type { NodeId } from "#domain/id";
import { invariant, unreachable } from "#domain/invariant";
import type { RunRow } from "#domain/task/run";
import type { Instant } from "#domain/time/time";
import type { AgentSpec, SessionRow } from "#domain/worker/worker";
import { type WorkerRow, workerRowKey } from "#domain/worker/worker-row";
import type { Journal } from "../memory/journal.js";
import type { Roster } from "../memory/roster.js";
import type { Workspace } from "../memory/workspace.js";
import { absentSession } from "../watch/expected-workers.js";

export interface NodeRowsParts {
  readonly node: NodeId;
  readonly work: Workspace;
  readonly roster: Roster;
  readonly journal: Journal;
  readonly at: Instant;
}

/** The commands that there are only because other nodes share the store. */
export type NodeCommand = Extract<Command, { type: "forgetWorker" | "wishDrain" | "adoptRun" }>;

/** What a turn writes for other nodes: which node has a Run, and where each worker is. Absent in a store of one process. */
export class NodeRows {
  readonly #parts: NodeRowsParts;

  constructor(parts: NodeRowsParts) {
    this.#parts = parts;
  }

  /** The Run, naming this node if its worker has its session here. */
  named(run: RunRow): RunRow {
    const { node, roster } = this.#parts;
    if (run.node === node || run.heldBy === "" || !roster.get(run.heldBy)) return run;
    return { ...run, node };
  }

  /** Writes the row of a worker whose session begins here. */
  begin(session: SessionRow): void {
    const row = this.#rowOf(session);
    if (row) this.#tell(row);
    this.#put(session, row, "");
  }

  /** Writes what a session of this node has become by a message, unless the worker has a newer one. */
  follow(session: SessionRow, message: WorkerMessage): void {
    const row = this.#rowOf(session);
    if (row?.session.id !== session.id) return;
    this.#put(session, row, message.type === "drain" ? message.message : row.drainReason);
  }

  carryOut(command: NodeCommand, putRun: (run: RunRow) => void): void {
    const { work, roster, journal, at } = this.#parts;
    switch (command.type) {
      case "forgetWorker":
        roster.forget(command.params.session, journal);
        break;
      case "wishDrain": {
        const row = work.single("workers", command.params.key);
        invariant(row, `worker ${command.params.key} is to be drained but was not loaded`);
        const session = { ...row.session, state: "draining" } as const;
        work.putSingle("workers", { ...row, drainReason: command.params.reason, session });
        this.#tell(row);
        break;
      }
      case "adoptRun": {
        const run = work.run(command.params.runId);
        invariant(run && run.heldBy !== "", `run ${command.params.runId} is adopted but not held`);
        if (!roster.get(run.heldBy)) roster.attach(absentSession(run, at), journal);
        putRun(run);
        break;
      }
      default:
        unreachable(command, "a command nobody carries out");
    }
  }

  /** The node that has the worker's stream is to look at its row soon. */
  #tell({ node, session }: WorkerRow): void {
    const { work, journal, node: own } = this.#parts;
    if (node !== own) journal.push(work.workersElsewhere, { node, session: session.id });
  }

  #rowOf({ principal, info }: SessionRow): WorkerRow | undefined {
    return this.#parts.work.single("workers", workerRowKey(principal, info.workerId));
  }

  #put(session: SessionRow, known: WorkerRow | undefined, drainReason: string): void {
    const { node, work } = this.#parts;
    const key = workerRowKey(session.principal, session.info.workerId);
    const agents = session.info.agents.map(withoutSchema);
    const shown = { ...session, info: { ...session.info, agents } };
    work.putSingle("workers", { key, revision: known?.revision ?? 0, node, session: shown, drainReason });
  }
}

function withoutSchema(agent: AgentSpec): AgentSpec {
  const { announced } = agent;
  return announced ? { ...agent, announced: { ...announced, inputSchema: "" } } : agent;
}
