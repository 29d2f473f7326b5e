import type { Setting } from "./setting.js";
import { path } from "./values.js";

/** What models cost. */
export const prices = {
  prices: {
    ...path,
    range: `${path.range}; empty for none`,
    fallback: "",
    help: "File that says what models cost, in TOML, read at the start. Without it only what agents themselves say of costs is known.",
  },
} as const satisfies Record<string, Setting>;
