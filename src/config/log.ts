import type { Setting } from "./setting.js";
import { oneOf } from "./values.js";

const levels = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof levels)[number];

/** What is written to the log. */
export const log = {
  "log-level": {
    ...oneOf(levels),
    fallback: "info",
    help: "The least important log lines to write.",
  },
} as const satisfies Record<string, Setting>;
