import { tables } from "./0001-tables.js";
import { functions } from "./0002-functions.js";
import { nodes } from "./0003-nodes.js";
import { commit } from "./0004-commit.js";
import { credentials } from "./0005-credentials.js";
import { enrolment } from "./0006-enrolment.js";
import { audit } from "./0007-audit.js";
import { namespaces } from "./0009-namespaces.js";
import { deadLetters } from "./0010-dead-letters.js";
import { pauses } from "./0011-pauses.js";
import { copies } from "./0012-copies.js";
import { restores } from "./0013-restores.js";
import { usageSums } from "./0014-usage-sums.js";

/**
 * All migrations, oldest first; the number of a schema is that of the migrations applied to it. A released migration is
 * never edited: append a new one. A new one only adds, so that servers of the release before go on beside it.
 */
export const migrations: readonly string[] = [
  tables,
  functions,
  nodes,
  commit,
  credentials,
  enrolment,
  audit,
  namespaces,
  deadLetters,
  pauses,
  copies,
  restores,
  usageSums,
];
