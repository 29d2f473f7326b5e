import { tasks } from "./0001-tasks.js";
import { workflows } from "./0002-workflows.js";
import { rest } from "./0003-rest.js";
import { checksums } from "./0004-checksums.js";

/**
 * Every change of the tables there has been, oldest first; a file's `user_version` counts those it has. What has
 * been released is never edited: a change is a new entry. One behind the checksums also has to move the number of
 * commits, as every transaction does (see `log-commits.ts`).
 */
export const migrations: readonly string[] = [tasks, workflows, rest, checksums];
