import type { TaskRunClient } from "#client/index";
import { limits } from "#limits/index";
import { CliError, exit } from "../exit.js";
import type { Io } from "../terminal/io.js";

/** An id that servers make, and what may be the beginning of one. */
const whole = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const beginning = /^[0-9a-f]{8}[0-9a-f-]*$/i;

/**
 * Returns the id that begins with a text, which may also be whole, of large or small letters, with blanks around it. Texts that are not the beginning of an id that a
 * server makes are returned as they are: the server knows best.
 *
 * @throws {CliError} `notFound` if there is no such Task, `usage` if there are several or the text is too short
 */
export async function wholeTaskId(
  client: TaskRunClient,
  text: string,
  { self }: Pick<Io, "self">,
): Promise<string> {
  const given = text.trim();
  if (whole.test(given)) return given.toLowerCase();
  if (/^[0-9a-f]{4,7}$/i.test(given)) {
    throw new CliError(
      exit.usage,
      `"${given}" is too short for the beginning of a task's id: give at least 8 characters`,
    );
  }
  if (!beginning.test(given) || given.length > WHOLE_CHARS) return given;

  const idPrefix = given.toLowerCase();
  const { tasks } = await client.tasks.page({ idPrefix, namespace: "", pageSize: limits.shownMatches + 1 });
  const ids = tasks.map(({ id }) => id).filter((id) => id.startsWith(idPrefix));
  if (ids.length > 0) return theOne(ids, given, "task");
  throw new CliError(exit.notFound, `no task's id begins with "${given}"`, [
    `\`${self} task list\` lists what exists.`,
  ]);
}

/**
 * Calls `use` with a Worker's id; if no Worker is called like that, with the id of the only one that begins so.
 *
 * @throws {CliError} `usage` if several begin so
 */
export async function withWorkerId<Result>(
  client: TaskRunClient,
  given: string,
  use: (id: string) => Promise<Result>,
): Promise<Result> {
  try {
    return await use(given);
  } catch (error) {
    if ((error as { code?: unknown }).code !== "NOT_FOUND" || given.length < WORKER_CHARS_MIN) throw error;
    const workers = await client.workers.list();
    const ids = workers.map(({ id }) => id).filter((id) => id.startsWith(given));
    if (ids.length === 0) throw error;
    return use(theOne(ids, given, "worker"));
  }
}

const WHOLE_CHARS = 36;
/** People give Workers names such as `w1`: a shorter text would too often be a slip. */
const WORKER_CHARS_MIN = 4;

function theOne(ids: readonly string[], given: string, kind: string): string {
  const [id] = ids;
  if (id !== undefined && (ids.length === 1 || id === given)) return id;
  const shown = ids.slice(0, limits.shownMatches);
  const more = ids.length > shown.length ? [`… and more`] : [];
  throw new CliError(exit.usage, `several ${kind}s' ids begin with "${given}": give more of it`, [
    ...shown,
    ...more,
  ]);
}

/** Characters with which ids of Tasks are shown at least: these name the millisecond, so that no later Task has them. */
const SHOWN_MIN = 13;

/** Returns the shortest beginning of each id that no other of them has. Ids that no server makes stay whole. */
export function shortIds(ids: readonly string[]): ReadonlyMap<string, string> {
  const sorted = [...ids].sort();
  return new Map(
    sorted.map((id, i) => {
      if (!whole.test(id)) return [id, id];
      const shared = Math.max(sharedChars(id, sorted[i - 1]), sharedChars(id, sorted[i + 1]));
      return [id, id.slice(0, Math.max(SHOWN_MIN, shared + 1)).replace(/-$/, "")];
    }),
  );
}

function sharedChars(id: string, other = ""): number {
  let at = 0;
  while (at < id.length && id[at] === other[at]) at += 1;
  return at;
}
