import { z } from "zod";
import { isPostgresUrl, parsePostgresUrl } from "#domain/postgres-url";
import type { Setting, Values } from "./setting.js";
import { path } from "./values.js";

/** `sqlite`, `memory`, or the URL of a PostgreSQL database, which is never shown with its password. */
const whichStore = {
  schema: z
    .string("write sqlite, memory or postgres://USER@HOST:PORT/DATABASE, in quotes")
    .transform((text, { issues }) => {
      if (text === "sqlite" || text === "memory") return text;
      const problem = (message: string) => {
        issues.push({ code: "custom", message, input: "" });
        return z.NEVER;
      };
      if (!isPostgresUrl(text)) {
        // A slip in the scheme must not show a password either.
        const shown = text.includes("://") ? "the URL" : JSON.stringify(text);
        return problem(`${shown} is none of sqlite, memory, postgres://USER@HOST:PORT/DATABASE`);
      }
      try {
        parsePostgresUrl(text);
        return text as `postgres://${string}`;
      } catch (error) {
        return problem(`the URL ${(error as Error).message}`);
      }
    }),
  range: "sqlite, memory or postgres://USER@HOST:PORT/DATABASE",
} satisfies Values;

/** Where and how Tasks are kept. */
export const store = {
  data: {
    ...path,
    schema: path.schema.min(1, "is empty; name a directory"),
    fallback: ".taskrun",
    help: "Directory of everything durable; made if it does not exist.",
  },
  store: {
    ...whichStore,
    fallback: "sqlite",
    help: "What keeps the tasks: a file, a PostgreSQL database, or memory, which forgets them when the server stops.",
  },
} as const satisfies Record<string, Setting>;
