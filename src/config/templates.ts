import { z } from "zod";
import type { Setting } from "./setting.js";
import { path } from "./values.js";

/** Where templates come from, and whose overrides they run with. */
export const templates = {
  environment: {
    schema: z
      .string("write a name in quotes")
      .regex(/^[A-Za-z0-9_-]{1,64}$/, "is not 1 to 64 letters, digits, _ or -"),
    range: "1 to 64 letters, digits, _ or -",
    fallback: "development",
    help: "Whose overrides of a template its tasks run with.",
  },
  templates: {
    ...path,
    range: `${path.range}; empty for none`,
    fallback: "",
    help: "Directory of templates to register, at the start and whenever a file in it changes.",
  },
} as const satisfies Record<string, Setting>;
