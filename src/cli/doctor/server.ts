import { createRequire } from "node:module";
import { type AnnouncedAgent, createClient, type TaskRunClient, TaskRunError } from "#client/index";
import { nearest } from "#domain/nearest";
import { limits } from "#limits/index";
import { type Target, target } from "../connection.js";
import { CliError } from "../exit.js";
import { fromServer } from "../refusal.js";
import { duration } from "../terminal/format.js";
import type { Io } from "../terminal/io.js";
import { type DoctorOptions, type Finding, ok, skipped, warning, wrong } from "./check.js";

/** What is asked of the server: each question has its own time, so that a server which hangs holds up nobody for long. */
const CONTROL = { timeoutMs: limits.doctorPatience };

/** The server that commands would call: whether it answers, whom it takes us for, and whether it has what its Tasks wait for. */
export async function* serverChecks(options: DoctorOptions, io: Io): AsyncGenerator<Finding> {
  let server: Target;
  let client: TaskRunClient;
  try {
    server = await target(io, options);
    client = createClient(server);
  } catch (error) {
    const next = error instanceof CliError ? error.next[0] : undefined;
    yield wrong("server", (error as Error).message, next ?? "Correct the option or variable that it names.");
    return;
  }
  try {
    yield* checksOf(client, server, io);
  } finally {
    client.close();
  }
}

async function* checksOf(client: TaskRunClient, server: Target, io: Io): AsyncGenerator<Finding> {
  const { addr } = server;
  const [first, refusal] = await answerOf(() => client.tasks.page({ pageSize: 1 }, CONTROL));
  if (refusal && !refusal.isAnswer) {
    const { message, next } = fromServer(refusal.error, addr, io.self);
    yield wrong("server", message, adviceFor(message, next[0]));
    for (const check of ["credential", "clock", "version", "workers", "agents"])
      yield skipped(check, "no server answers");
    return;
  }
  yield ok("server", `${addr} answers${server.ca || server.caPin ? ", and is the one that is trusted" : ""}`);
  if (refusal?.error.code === "UNAUTHENTICATED") {
    const { message, next } = fromServer(refusal.error, addr, io.self);
    yield wrong("credential", message, next[0] ?? "Log in again.");
    for (const check of ["clock", "version", "workers", "agents"])
      yield skipped(check, "the credential is not accepted");
    return;
  }
  yield await rightsOf(client, first !== undefined);
  yield await clockOf(client, io);
  yield await versionOf(client);
  yield* await fleetOf(client, io);
}

interface Refused {
  readonly error: TaskRunError;
  /** False if no server has said it. */
  readonly isAnswer: boolean;
}

async function answerOf<Answer>(
  ask: () => Promise<Answer>,
): Promise<readonly [Answer, undefined] | readonly [undefined, Refused]> {
  try {
    return [await ask(), undefined];
  } catch (error) {
    if (!(error instanceof TaskRunError)) throw error;
    const isAnswer = error.code !== "UNAVAILABLE" && error.code !== "DEADLINE_EXCEEDED";
    return [undefined, { error, isAnswer }];
  }
}

function adviceFor(message: string, next = "Start a server, or name another."): string {
  if (!/certificate|TLS|authority|pin/i.test(message)) return next;
  return "Name the authority with --ca FILE, or its pin with --ca-pin PIN, as the server prints it.";
}

/** What the credential may do, by asking for the first of each list. */
async function rightsOf(client: TaskRunClient, maySeeTasks: boolean): Promise<Finding> {
  const asks = {
    workers: () => client.workers.list({}, CONTROL),
    agents: () => client.agents.page({ pageSize: 1 }, CONTROL),
    templates: () => client.templates.page({ pageSize: 1 }, CONTROL),
    nodes: () => client.nodes.list(CONTROL),
    keys: () => client.keys.list(CONTROL),
  };
  const answers = await Promise.all(
    Object.entries(asks).map(async ([what, ask]) => [what, (await answerOf<unknown>(ask))[1]] as const),
  );
  const may = [
    ...(maySeeTasks ? ["tasks"] : []),
    ...answers.flatMap(([what, refusal]) => (refusal === undefined ? [what] : [])),
  ];
  if (may.length === 0) {
    return wrong(
      "credential",
      "it may read nothing",
      "Use the key of another role: a worker's runs agents only.",
    );
  }
  return ok("credential", `accepted; it may read ${may.join(", ")}`);
}

async function clockOf(client: TaskRunClient, io: Io): Promise<Finding> {
  const before = io.now();
  const [overview] = await answerOf(() => client.tasks.overview(undefined, CONTROL));
  const after = io.now();
  if (!overview || overview.atMs === 0) return skipped("clock", "the server has not told its time");
  // The server's time lies between the two, if both clocks agree.
  const ahead = overview.atMs > after ? overview.atMs - after : Math.min(0, overview.atMs - before);
  const apart = Math.abs(ahead);
  if (apart < limits.doctorSkew) return ok("clock", "agrees with that of the server");
  return warning(
    "clock",
    `the server's is ${duration(apart)} ${ahead > 0 ? "ahead of" : "behind"} this one`,
    "Set both by NTP: ages, --since and --start-at count by them.",
  );
}

async function versionOf(client: TaskRunClient): Promise<Finding> {
  const own = (createRequire(import.meta.url)("taskrun/package.json") as { version: string }).version;
  const [nodes] = await answerOf(() => client.nodes.list(CONTROL));
  const versions = new Set(
    (nodes ?? []).filter(({ state }) => state === "live").map(({ version }) => version),
  );
  if (versions.size === 0) return skipped("version", `this is ${own}; the server has not told its own`);
  const theirs = [...versions].sort().join(", ");
  if (versions.size === 1 && versions.has(own)) return ok("version", `${own}, as the server`);
  return warning(
    "version",
    `this is ${own}, the server ${theirs}`,
    "Commands of one release and servers of the next to it fit; update the older.",
  );
}

/** Whether there are workers, and for whom Tasks wait in vain. */
async function fleetOf(client: TaskRunClient, io: Io): Promise<readonly Finding[]> {
  const [workers] = await answerOf(() => client.workers.list({}, CONTROL));
  const [page] = await answerOf(() => client.agents.page({ pageSize: limits.pageSizeMax }, CONTROL));
  const agents = page?.agents ?? [];
  const waiting = agents.filter((agent) => agent.waiting > 0);
  const start = `\`${io.self} worker\` starts one.`;
  const fleet = !workers
    ? skipped("workers", "the credential may not see them")
    : workers.length > 0
      ? ok("workers", `${workers.length} connected`)
      : waiting.length > 0
        ? wrong("workers", "none is connected, and tasks wait", start)
        : warning("workers", "none is connected", start);
  if (!page) return [fleet, skipped("agents", "the credential may not see them")];
  const without = waiting.filter((agent) => agent.workers === 0);
  if (without.length === 0) return [fleet, ok("agents", "no task waits for an agent that nobody runs")];
  const findings = without.slice(0, limits.doctorAgents).map((agent) => agentFinding(agent, agents));
  const more = without.length - findings.length;
  return [fleet, ...findings, ...(more > 0 ? [skipped("agents", `and ${more} more`)] : [])];
}

function agentFinding(agent: AnnouncedAgent, all: readonly AnnouncedAgent[]): Finding {
  const { name, namespace, waiting } = agent;
  const served = all.filter(({ workers }) => workers > 0).map((each) => each.name);
  const near = nearest(name, served);
  const steps = waiting === 1 ? "1 step waits" : `${waiting} steps wait`;
  const where = namespace === "" ? "" : ` in namespace ${namespace}`;
  const next = `Start a worker that runs it${near === undefined ? "" : `; or was ${near} meant?`}`;
  return wrong("agents", `${steps} for ${name}${where}, which no worker runs`, next);
}
