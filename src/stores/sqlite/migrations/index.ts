import { tasks } from "./0001-tasks.js";
import { workflows } from "./0002-workflows.js";
import { rest } from "./0003-rest.js";
import { checksums } from "./0004-checksums.js";
import { layouts } from "./0005-layouts.js";
import { agents } from "./0006-agents.js";
import { apiKeys } from "./0007-api-keys.js";
import { enrolment } from "./0008-enrolment.js";
import { audit } from "./0009-audit.js";
import { outputDays } from "./0011-output-days.js";
import { deadLetters } from "./0012-dead-letters.js";
import { pauses } from "./0013-pauses.js";
import { stepActions } from "./0014-step-actions.js";
import { restores } from "./0015-restores.js";
import { journal } from "./0016-journal.js";
import { usageSums } from "./0017-usage-sums.js";

/**
 * All migrations, oldest first; a file's `user_version` is the number of migrations applied to it. A released migration
 * is never edited: append a new one instead. A migration after `checksums` that changes rows must also update the
 * checksums of those rows.
 */
export const migrations: readonly string[] = [
  tasks,
  workflows,
  rest,
  checksums,
  layouts,
  agents,
  apiKeys,
  enrolment,
  audit,
  outputDays,
  deadLetters,
  pauses,
  stepActions,
  restores,
  journal,
  usageSums,
];

/** From this version on, rows have checksums, and a head file is kept beside the file. */
export const SEALED_SINCE = 4;
