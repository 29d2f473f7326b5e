import { constants } from "node:fs";
import { access, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { Fault } from "#domain/fault";
import type { TaskId } from "#domain/id";
import { iso } from "#domain/time/iso";
import { EXPORT_FAILED, type TaskArchive } from "#ports/archive";
import { headerText, taskText, wholeText } from "./export.js";
import { writeWhole } from "./file.js";
import type { ArchiveReads } from "./parts.js";

/**
 * A folder to which ended Tasks are exported before they are removed, a file for each batch. A file is there when it is whole and on the
 * disk. What was exported and, because of a crash, not removed is exported again: an import takes it once.
 *
 * @param now the wall clock
 * @throws {Fault} `invalid` if nothing can be written there
 */
export async function openExportFolder(
  folder: string,
  reads: ArchiveReads,
  now: () => number,
): Promise<TaskArchive> {
  try {
    // Not with its parents: where none can be made, as under /proc, Node would try for ever.
    await mkdir(folder, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
    });
    await access(folder, constants.W_OK);
  } catch (cause) {
    throw new Fault("invalid", `export-to: ${folder} cannot be written: ${(cause as Error).message}`, {
      cause,
    });
  }
  let files = 0;
  return {
    async put(ids) {
      const name = `taskrun-${iso(now()).replaceAll(/[-:.]/g, "")}-${process.pid}-${++files}.jsonl`;
      try {
        await writeWhole(join(folder, name), linesOf(ids, reads, now()));
      } catch (cause) {
        const message = `ended tasks are not removed, because they cannot be exported to ${folder}: ${(cause as Error).message}`;
        throw new Fault("unavailable", message, { reason: EXPORT_FAILED, cause });
      }
    },
  };
}

async function* linesOf(ids: readonly TaskId[], reads: ArchiveReads, madeAt: number): AsyncGenerator<string> {
  yield headerText(madeAt);
  let tasks = 0;
  for (const id of ids) {
    const detail = await reads.task(id);
    // Another node has exported and removed it meanwhile.
    if (!detail) continue;
    yield* taskText(reads, detail);
    tasks += 1;
  }
  yield wholeText(tasks);
}
