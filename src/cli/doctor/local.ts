import { accessSync, constants, existsSync, statSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { Fault } from "#domain/fault";
import { isPostgresUrl } from "#domain/postgres-url";
import { limits } from "#limits/index";
import { configProblems } from "../config/config.js";
import { type Sources, shownSettings } from "../server/settings.js";
import type { Io } from "../terminal/io.js";
import { type DoctorOptions, type Finding, ok, skipped, warning, wrong } from "./check.js";

/** What can be checked without a server: Node, the settings, and the data directory. */
export async function* localChecks(options: DoctorOptions, io: Io): AsyncGenerator<Finding> {
  yield nodeCheck();
  const sources: Sources = {
    flags: options.data ? { data: options.data } : {},
    env: io.env,
    cwd: io.cwd,
    file: options.config,
  };
  const problems = configProblems(sources);
  if (problems.length > 0) {
    for (const problem of problems)
      yield wrong("settings", problem, `\`${io.self} config check\` reports all of it.`);
    yield skipped("data", "the settings have to be put right first");
    return;
  }
  const settings = shownSettings(sources);
  const given = settings.filter(({ origin }) => origin !== "default").length;
  yield ok("settings", given === 0 ? "all at their default" : `valid; ${given} not at the default`);

  const textOf = (name: string) => String(settings.find((each) => each.name === name)?.value ?? "");
  const store = textOf("store");
  if (store === "memory") yield skipped("data", "kept in memory, and lost when the server stops");
  else if (isPostgresUrl(store)) yield skipped("data", "in a PostgreSQL database, which keeps its own files");
  else yield* dataChecks(resolve(io.cwd, textOf("data")), io);
}

function nodeCheck(): Finding {
  const { engines } = createRequire(import.meta.url)("taskrun/package.json") as { engines: { node: string } };
  const least = engines.node.replace(/^\D+/, "");
  const { node } = process.versions;
  if (compareVersions(node, least) >= 0) return ok("node", `${node}, and ${least} is needed`);
  return wrong("node", `${node} is too old`, `Install Node ${least} or later.`);
}

/** Positive if the first version is the later one. */
export function compareVersions(a: string, b: string): number {
  const [as, bs] = [a, b].map((version) => version.split(/[.-]/).map(Number));
  for (let i = 0; i < 3; i++) {
    const difference = (as?.[i] || 0) - (bs?.[i] || 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

async function* dataChecks(data: string, io: Io): AsyncGenerator<Finding> {
  const parent = nearestThere(data);
  if (!existsSync(data)) {
    if (!isWritable(parent)) {
      yield wrong(
        "data",
        `${data} does not exist, and ${parent} cannot be written`,
        "Name another directory with --data, or make it.",
      );
      return;
    }
    yield ok("data", `${data} does not exist yet; a server makes it`);
  } else if (!statSync(data).isDirectory()) {
    yield wrong("data", `${data} is no directory`, "Name a directory with --data.");
    return;
  } else if (!isWritable(data)) {
    yield wrong(
      "data",
      `${data} cannot be written by this user`,
      "Run the server as its owner, or change its rights.",
    );
  } else yield rightsOf(data);
  yield await spaceOf(parent);
  yield* lockOf(data, io);
}

function nearestThere(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearestThere(dirname(path));
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function rightsOf(data: string): Finding {
  const mode = statSync(data).mode & 0o777;
  const isOpen = (mode & 0o022) !== 0;
  if (!isOpen) return ok("data", `${data} can be written by its owner alone`);
  const rights = mode.toString(8).padStart(4, "0");
  return warning("data", `${data} can be written by others (mode ${rights})`, `chmod go-w ${data}`);
}

async function spaceOf(path: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(path);
  const free = bavail * bsize;
  const shown = `${(free / 2 ** 30).toFixed(1)} GiB free at ${path}`;
  if (free < limits.doctorSpaceLeast)
    return wrong("space", shown, "Make room: a full disk refuses new tasks.");
  if (free < limits.doctorSpaceEnough)
    return warning("space", shown, "Make room before it is full: new tasks are refused then.");
  return ok("space", shown);
}

/** Whether a server uses the data, by the lock that it would have. */
async function* lockOf(data: string, io: Io): AsyncGenerator<Finding> {
  const { DATABASE } = await import("#stores/shared/server-store");
  const path = join(data, DATABASE);
  if (!existsSync(`${path}.lock`)) {
    yield skipped("lock", "no server has used this directory");
    return;
  }
  const [{ lockFile }, { preferredDriver }] = await Promise.all([
    import("#stores/sqlite/file/lock"),
    import("#stores/sqlite/driver"),
  ]);
  try {
    lockFile({ path, driver: preferredDriver() })();
    yield ok("lock", "no server uses the data now");
    yield ok("store", `\`${io.self} store verify --data ${data}\` reads all of it, and reports damage`);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    if (error.reason === "STORE_LOCKED") yield ok("lock", "a server uses the data now");
    else yield wrong("lock", error.message, "Put that right before the server is started.");
  }
}
