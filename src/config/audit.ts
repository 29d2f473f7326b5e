import type { Setting } from "./setting.js";
import { duration, path } from "./values.js";

/** How the audit log is kept, and where its checkpoints go. */
export const audit = {
  "audit-checkpoints": {
    ...path,
    fallback: "",
    help: "File to which signed checkpoints of the audit log are appended; keep it on another disk than the data. Default: audit.checkpoints in the data directory, or none with the store memory.",
  },
  "audit-retention": {
    ...duration("1d", "3650d"),
    fallback: "365d",
    help: "How long entries of the audit log are kept, up to a million of each server.",
  },
} as const satisfies Record<string, Setting>;
