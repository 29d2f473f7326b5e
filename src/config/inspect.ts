import { z } from "zod";
import { limits } from "#limits/index";
import { isLoopback } from "./listeners.js";
import type { Setting } from "./setting.js";
import { flag } from "./values.js";

/** The page of the inspector only where this machine alone reaches it: the default. */
const LOOPBACK = "loopback";
/** The page on every HTTP listener. */
const PAGE = "page";

/** Who may look at what the plane does. */
export const inspect = {
  inspect: {
    schema: z
      .array(
        z
          .string("is no text; write addresses in quotes")
          .refine(
            (text) => text === PAGE || text === LOOPBACK || addressOf(text) !== undefined,
            `is no address of an inspector server; write for example ws://localhost:8080, or "${PAGE}"`,
          ),
        `write a list, for example ["ws://localhost:8080"]`,
      )
      .max(limits.inspectServers, `has more than ${limits.inspectServers} entries`),
    range: `0 to ${limits.inspectServers} of ws://HOST:PORT, page and loopback; off, or [] in the file, shows nothing`,
    fallback: [LOOPBACK],
    given: [PAGE],
    help: "Inspector servers that are sent what the plane does; page serves /inspect on every HTTP listener, otherwise it is served if all of them are on the loopback.",
  },
  "inspect-payloads": {
    ...flag,
    fallback: false,
    help: "Show inspectors inputs, results and errors too, cut to 4 KiB each; otherwise ids, counters and deadlines only.",
  },
} as const satisfies Record<string, Setting>;

/** What the setting means, given where the server listens. */
export function inspectors(
  given: readonly string[],
  http: readonly string[],
): { servers: string[]; page: boolean } {
  const servers = given.filter((each) => each !== PAGE && each !== LOOPBACK);
  const isEverywhere = given.includes(PAGE);
  return { servers, page: given.length > 0 && (isEverywhere || http.every(isLoopback)) };
}

/** What is wrong with the addresses of inspector servers together with the other settings. */
export function inspectProblems(servers: readonly string[], insecure: boolean): string[] {
  const open = servers.filter((text) => {
    const url = addressOf(text);
    return url?.protocol === "ws:" && !isLoopback(`${url.hostname}:${url.port}`);
  });
  if (open.length === 0 || insecure) return [];
  return [
    `inspect: ${open.join(", ")} is another machine, and the connection is not encrypted; write wss://, or say --insecure if you mean it`,
  ];
}

/** The URL of an inspector server; undefined if it is none. Credentials would be shown in the log. */
function addressOf(text: string): URL | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const isSocket = url.protocol === "ws:" || url.protocol === "wss:";
  return isSocket && url.hostname !== "" && url.username === "" && url.password === "" && url.hash === ""
    ? url
    : undefined;
}
