import type { RunId, StepKey, TaskId } from "#domain/id";
import { covers, type PauseScope } from "#domain/pause/pause";
import { selects } from "#domain/task/filter";
import type { LogEntry, LogSlice } from "#domain/task/log";
import type { RunRow } from "#domain/task/run";
import { rowsOf, type TaskRow } from "#domain/task/task";
import type { TemplateRef, TemplateRow } from "#domain/template/template";
import { versionKey } from "#domain/template/version";
import { limits } from "#limits/index";
import type {
  JournalBounds,
  LanePlace,
  Reads,
  TaskDetail,
  TaskFilter,
  TaskPage,
  TemplateFilter,
} from "#ports/store-reads";
import { idBounds, specTexts, wantedStates } from "../../shared/task-narrowing.js";
import type { Layouts } from "../rows/layouts.js";
import { runTable, stepTable, taskTable, templateFrom } from "../rows/rows.js";
import type { ReaderCalls } from "../thread/client.js";
import { rows } from "../thread/messages.js";
import type { DetailReply, ListRequest } from "../thread/requests.js";
import { deadLetterReads } from "./dead-letters.js";
import { sqliteOverview } from "./overview.js";

/**
 * Implements the store's reads with a client of the reader thread.
 *
 * @param layouts the layouts in the file, which must be open
 */
export function sqliteReads(reader: ReaderCalls, layouts: Layouts): Reads {
  return { ...taskReads(reader, layouts), deadLetters: deadLetterReads(reader, layouts) };
}

function taskReads(reader: ReaderCalls, layouts: Layouts): Omit<Reads, "deadLetters"> {
  return {
    async task(id: TaskId, namespaces: TaskFilter["namespaces"] = "*"): Promise<TaskDetail | undefined> {
      const request = { id, namespaces: namespaces === "*" ? null : namespaces };
      return reader.decoded("task", request, (found) => (found ? detailOf(found, layouts) : undefined));
    },

    async tasks(filter: TaskFilter, before: TaskId | undefined, pageSize: number): Promise<TaskPage> {
      const request = listRequestOf(filter, before, pageSize);
      return reader.decoded("tasks", request, ({ tasks, next }) => ({
        tasks: taskTable.rows(tasks, layouts).filter((task) => selects(filter, task)),
        next: (next ?? undefined) as TaskId | undefined,
      }));
    },

    async countReady(lanes: readonly string[], most: number): Promise<number> {
      return reader.call("countReady", { lanes, most });
    },

    async countBefore({ lane, rank, taskId, stepName }: LanePlace, most: number): Promise<number> {
      return reader.call("countBefore", { lane, rank, taskId, stepName, most });
    },

    countHeld: async (scope: PauseScope) =>
      reader.decoded("held", null, (held) => held.filter(isIn(scope, layouts)).length),
    ...sqliteOverview(reader, layouts),

    async run(id: RunId): Promise<RunRow | undefined> {
      return reader.decoded("run", id, (text) => (text === null ? undefined : runTable.row(text, layouts)));
    },

    async template({ namespace, name, version }: TemplateRef): Promise<TemplateRow | undefined> {
      const found = await reader.call("template", { namespace, name, version });
      return found === null ? undefined : templateFrom(found);
    },

    async templates(filter: TemplateFilter, after: TemplateRef | undefined, pageSize: number) {
      const { namespaces, name = null } = filter;
      const page = await reader.call("templates", {
        namespaces: namespaces === "*" ? null : [...new Set(namespaces)].sort(),
        name,
        after: after
          ? { namespace: after.namespace, name: after.name, versionKey: versionKey(after.version) }
          : null,
        pageSize,
        maxBytes: limits.pageBytes,
      });
      return { templates: page.templates.map(templateFrom), next: page.next ? refOf(page.next) : undefined };
    },

    async input(id: TaskId): Promise<string | undefined> {
      return (await reader.call("input", id)) ?? undefined;
    },

    async stepInput({ taskId, stepName }: StepKey): Promise<string | undefined> {
      return (await reader.call("stepInput", { taskId, stepName })) ?? undefined;
    },

    async output({ taskId, stepName }: StepKey): Promise<string | undefined> {
      return (await reader.call("output", { taskId, stepName })) ?? undefined;
    },

    async stepActions({ taskId, stepName }: StepKey): Promise<string | undefined> {
      return (await reader.call("stepActions", { taskId, stepName })) ?? undefined;
    },

    journal: ({ taskId, stepName }: StepKey, from: number, most: JournalBounds) =>
      reader.call("journal", { taskId, stepName, from, most }),

    usage: (filter, most) => reader.call("usage", { filter, most }),

    async log(taskId: TaskId, afterSeq: number, maxBytes: number): Promise<LogSlice> {
      const { firstSeq, rows: packed } = await reader.call("log", { taskId, afterSeq, maxBytes });
      const entries = packed.flatMap(rows<LogEntry>);
      return { firstSeq: afterSeq + 1, entries: entries.slice(afterSeq + 1 - firstSeq) };
    },

    async logBounds(taskId: TaskId): Promise<{ earliest: number; last: number } | undefined> {
      const bounds = await reader.call("logBounds", taskId);
      return bounds ? { earliest: bounds[0], last: bounds[1] } : undefined;
    },
  };
}

function detailOf({ task, input, steps, runs }: DetailReply, layouts: Layouts): TaskDetail {
  return {
    task: taskTable.row(task, layouts),
    input,
    steps: stepTable.rows(steps, layouts),
    runs: runTable.rows(runs, layouts),
  };
}

/** Whether a Run is in the scope, by what the reader tells of it and of its Task. */
function isIn(scope: PauseScope, layouts: Layouts) {
  return ([run, task]: readonly [run: string, task: string]) => {
    const { template } = taskTable.row(task, layouts).spec;
    return covers(scope, { ...runTable.row(run, layouts), template });
  };
}

function listRequestOf(filter: TaskFilter, before: TaskId | undefined, pageSize: number): ListRequest {
  const { from, below } = idBounds(filter, before);
  return {
    namespaces: filter.namespaces === "*" ? null : filter.namespaces,
    statusStates: filter.status === undefined ? null : rowsOf(filter.status).map(stateKey),
    states: wantedStates(filter) ?? null,
    agentName: filter.agentName ?? null,
    labels: Object.entries(filter.labels ?? {}),
    specTexts: specTexts(filter),
    from: from ?? null,
    below: below ?? null,
    pageSize,
    scannedRows: limits.pageScannedRows,
  };
}

function refOf([namespace, name, version]: readonly [string, string, string]): TemplateRef {
  return { namespace, name, version };
}

/** A Task's state and whether it has run, as SQL concatenates them: `waiting_for_retry 1`. */
function stateKey({ state, hasRun }: Pick<TaskRow, "state" | "hasRun">): string {
  return `${state} ${Number(hasRun)}`;
}
