import { createClient, type TaskRunClient } from "#client/index";
import { limits } from "#limits/index";
import type { NameKind } from "./completion.js";
import { type ConnectionOptions, target } from "./connection.js";
import type { Io } from "./terminal/io.js";

/**
 * Names that begin with what is typed: those of a server are asked for within a bound, and there are none if it does not answer by then, or
 * refuses. Never throws: whoever completes must not be told of errors.
 *
 * @param options which server, as the typed words say it
 */
export async function namesOf(
  kind: NameKind,
  typed: string,
  options: ConnectionOptions,
  io: Io,
): Promise<readonly string[]> {
  try {
    const found =
      kind === "profiles" || kind === "settings"
        ? await ownNames(kind, io)
        : await asked(kind, typed, options, io);
    return [...new Set(found)]
      .filter((name) => name.startsWith(typed) && isPlain.test(name))
      .slice(0, limits.completedNames);
  } catch {
    return [];
  }
}

/** What no shell reads as anything but itself. */
const isPlain = /^[\w./@:+=-]+$/;

async function ownNames(kind: "profiles" | "settings", io: Io): Promise<readonly string[]> {
  if (kind === "settings") return (await import("#config/index")).settingNames;
  return (await import("./login/profiles.js")).profileNames(io);
}

type ServerKind = Exclude<NameKind, "profiles" | "settings">;

async function asked(
  kind: ServerKind,
  typed: string,
  options: ConnectionOptions,
  io: Io,
): Promise<readonly string[]> {
  const server = await target(io, options);
  const client = createClient(server);
  const signal = AbortSignal.timeout(limits.completionPatience);
  const late = new Promise<readonly string[]>((resolve) => {
    signal.addEventListener("abort", () => resolve([]));
  });
  try {
    return await Promise.race([questions[kind](client, typed, { signal }), late]);
  } finally {
    client.close();
  }
}

type Question = (
  client: TaskRunClient,
  typed: string,
  control: { readonly signal: AbortSignal },
) => Promise<readonly string[]>;

const pageSize = limits.completedNames;

const questions: Readonly<Record<ServerKind, Question>> = {
  tasks: async ({ tasks }, typed, control) => {
    const page = await tasks.page({ pageSize, ...(typed !== "" && { idPrefix: typed }) }, control);
    return page.tasks.map(({ id }) => id);
  },
  workers: async ({ workers }, _, control) => (await workers.list({}, control)).map(({ id }) => id),
  deadLetters: async ({ deadLetters }, _, control) => {
    const ids: string[] = [];
    for await (const { taskId } of deadLetters.list({ pageSize }, control)) {
      if (ids.push(taskId) === pageSize) break;
    }
    return ids;
  },
  agents: async ({ agents }, _, control) =>
    (await agents.page({ pageSize }, control)).agents.map(({ name }) => name),
  templates: async ({ templates }, typed, control) => {
    const page = await templates.page({ pageSize }, control);
    return page.templates.map(({ namespace, name, version }) =>
      templateName(typed, namespace, name, version),
    );
  },
  namespaces: async ({ tasks, agents }, _, control) => {
    const [seen, announced] = await Promise.all([
      tasks.page({ namespace: "", pageSize }, control),
      agents.page({ namespace: "", pageSize }, control),
    ]);
    const names = [...seen.tasks, ...announced.agents].map(({ namespace }) => namespace);
    return names.filter((name) => name !== "").sort();
  },
};

/** As much of a template's name as the typed text has begun to say. */
function templateName(typed: string, namespace: string, name: string, version: string): string {
  const whole = typed.includes("/") ? `${namespace}/${name}` : name;
  return typed.includes("@") ? `${whole}@${version}` : whole;
}
