import { z } from "zod";
import { stepNotFound } from "#domain/refusals";
import { isWait, type KeptRecord, keptRecord } from "#domain/task/journal";
import { isOver } from "#domain/task/run";
import type { StepRow } from "#domain/task/step";
import { limits } from "#limits/index";
import type { TaskDetail } from "#ports/store-reads";
import { pageToken, stepName, taskId } from "../fields.js";
import { JOURNAL_READ_BYTES } from "../journal-page.js";
import { fromSeqToken, toSeqToken } from "../page-token.js";
import { readsOf, useCase } from "../use-case.js";
import { findTask } from "./find-task.js";

/** A page of a Step's journal, oldest first. */
export interface StepJournalPage {
  readonly records: readonly KeptRecord[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
  /** Entries that must be done once, and of which it is not known whether they were done. */
  readonly inDoubt: readonly number[];
}

/** GetStepJournal: what the agent of a Step has journaled. */
export const getStepJournal = useCase({
  action: "task.read_journal",
  input: z.object({ taskId, stepName, pageSize: z.number(), pageToken: pageToken(fromSeqToken) }),
  answerBytes: limits.inputBytes + JOURNAL_READ_BYTES,
  find: ({ taskId: id }, request) => findTask({ id }, request),
  perform: async ({ stepName, pageSize, pageToken: from = 0 }, request, { detail }) => {
    const step = stepOf(detail, stepName);
    const most = { records: pageRecords(pageSize), bytes: limits.journalPageBytes };
    const written = step.journal?.records ?? 0;
    const found = from < written ? await readsOf(request).journal(step, from, most) : [];
    const end = from + found.length;
    const page: StepJournalPage = {
      records: found.map(keptRecord),
      nextPageToken: found.length > 0 && end < written ? toSeqToken(end) : "",
      inDoubt: entriesInDoubt(step, detail),
    };
    return page;
  },
});

function stepOf({ task, steps }: TaskDetail, wanted: string): StepRow {
  const found = steps.find(({ name }) => name === wanted);
  if (found) return found;
  const names = steps.map(({ name }) => name);
  throw stepNotFound(task.id, wanted, names);
}

/** 0 or less, and more than a page may have, is the default. */
function pageRecords(wanted: number): number {
  return wanted > 0 && wanted <= limits.journalPageRecords ? wanted : limits.journalShown;
}

/** While a Run is live, its worker may be doing what has begun and is not over. */
function entriesInDoubt({ name, journal }: StepRow, { runs }: TaskDetail): readonly number[] {
  const isLive = runs.some(({ stepName, status }) => stepName === name && !isOver(status));
  if (isLive || !journal) return [];
  return journal.open.filter((open) => open.effect === "ONCE" && !isWait(open)).map(({ entry }) => entry);
}
