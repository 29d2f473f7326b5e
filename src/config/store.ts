import type { Setting } from "./setting.js";
import { oneOf, path } from "./values.js";

/** Where and how Tasks are kept. */
export const store = {
  data: {
    ...path,
    schema: path.schema.min(1, "is empty; name a directory"),
    fallback: ".taskrun",
    help: "Directory of everything durable; made if it does not exist.",
  },
  store: {
    ...oneOf(["sqlite", "memory"], " or "),
    fallback: "sqlite",
    help: "What keeps the tasks; memory forgets them when the server stops.",
  },
} as const satisfies Record<string, Setting>;
