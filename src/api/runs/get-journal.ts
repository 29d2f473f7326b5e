import { z } from "zod";
import { type KeptRecord, keptRecord } from "#domain/task/journal";
import { limits } from "#limits/index";
import { JOURNAL_READ_BYTES } from "../journal-page.js";
import { readsOf, useCase } from "../use-case.js";
import { checkTries, findRun, reader } from "./find-run.js";

const PAGE = { records: limits.journalPageRecords, bytes: limits.journalPageBytes };

/** GetJournal: a Run reads what earlier Runs of its Step have journaled, while it is the Step's current Run. */
export const getJournal = useCase({
  action: "run.read_journal",
  input: reader.extend({ fromSeq: z.bigint() }),
  answerBytes: JOURNAL_READ_BYTES,
  find: findRun,
  perform: async ({ fromSeq, ...asked }, request, { run }): Promise<readonly KeptRecord[]> => {
    checkTries(run, asked);
    if (fromSeq >= limits.journalRecords) return [];
    const { taskId, stepName: name } = run;
    const found = await readsOf(request).journal({ taskId, name }, Number(fromSeq), PAGE);
    return found.map(keptRecord);
  },
});
