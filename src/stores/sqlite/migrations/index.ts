import { tasks } from "./0001-tasks.js";
import { workflows } from "./0002-workflows.js";
import { rest } from "./0003-rest.js";
import { checksums } from "./0004-checksums.js";
import { layouts } from "./0005-layouts.js";

/**
 * Every change of the tables there has been, oldest first; a file's `user_version` counts those it has. What has
 * been released is never edited: a change is a new entry. One behind the checksums that changes rows has to put new
 * checksums into those.
 */
export const migrations: readonly string[] = [tasks, workflows, rest, checksums, layouts];

/** From this version on, rows have checksums, and the head is put beside the file. */
export const SEALED_SINCE = 4;
