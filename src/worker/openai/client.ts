import { createRequire } from "node:module";
import { join } from "node:path";
import { ToldError } from "../agent/error.js";
import { inWords } from "../agent/in-words.js";

/** As much of the client of the package `openai` as is used. Its types are not named here: it need not be installed. */
export interface ChatClient {
  readonly chat: {
    readonly completions: {
      create(
        body: object,
        options: { readonly signal: AbortSignal },
      ): PromiseLike<AsyncIterable<unknown>>;
    };
  };
}

/** Options of the client, in its own words. */
export interface ChatClientOptions {
  readonly apiKey: string;
  readonly baseURL: string;
  readonly maxRetries: number;
  readonly timeout: number;
  readonly defaultHeaders: Readonly<Record<string, string>>;
  readonly logLevel: "off";
}

type ChatClientClass = new (options: ChatClientOptions) => ChatClient;

const PACKAGE = "openai";
let loaded: ChatClientClass | undefined;

/**
 * The client's class, loaded when it is first needed. Looked for from this package, and from the program: package managers do not
 * put all packages in one place.
 *
 * @throws {ToldError} if the package is not installed, or cannot be loaded; not retryable
 */
export function chatClientClass(
  places = [import.meta.url, join(process.cwd(), "package.json"), process.argv[1]],
) {
  if (loaded) return loaded;
  let why = "";
  for (const from of places) {
    if (!from) continue;
    try {
      const found = (createRequire(from)(PACKAGE) as { readonly OpenAI?: ChatClientClass }).OpenAI;
      if (found) {
        loaded = found;
        return found;
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "MODULE_NOT_FOUND") why = inWords(error);
    }
  }
  const message = `an openai agent needs the package ${PACKAGE}: run \`npm install ${PACKAGE}\` where the worker runs`;
  throw new ToldError(why === "" ? message : `${message}. The one that is there cannot be loaded: ${why}`, {
    retryable: false,
  });
}
