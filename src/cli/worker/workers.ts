import type { Worker, WorkerFilter } from "#client/index";
import { type ConnectionOptions, withClient } from "../connection.js";
import { type ExitCode, exit } from "../exit.js";
import { ALL } from "../options.js";
import { withWorkerId } from "../task/short-id.js";
import type { JsonOption } from "../task/task.js";
import { ago, colorsFor, labelText, paintStatus, workerStatusText } from "../terminal/format.js";
import type { Io } from "../terminal/io.js";
import { document, line } from "../terminal/json.js";
import { layoutWidth } from "../terminal/size.js";
import { type Column, table } from "../terminal/table.js";

export interface WorkerListOptions extends ConnectionOptions, JsonOption {
  readonly agent?: string;
  readonly status?: NonNullable<WorkerFilter["status"]>;
}

/** `worker list`: prints the connected workers. */
export async function listWorkers(options: WorkerListOptions, io: Io): Promise<ExitCode> {
  const { agent, status, namespace, json } = options;
  const filter = {
    ...(agent !== undefined && { agent }),
    ...(status !== undefined && { status }),
    ...(namespace !== undefined && namespace !== ALL && { namespace }),
  };
  const workers = await withClient(io, options, (client) => client.workers.list(filter));

  if (json) await io.stdout.write(workers.map(line).join(""));
  else if (workers.length > 0) await io.stdout.write(workerTable(workers, io, namespace === ALL));
  else await io.stderr.write(`No matching worker is connected; \`${io.self} worker\` starts one.\n`);
  return exit.ok;
}

/** `worker get`. */
export async function getWorker(
  id: string,
  options: ConnectionOptions & JsonOption,
  io: Io,
): Promise<ExitCode> {
  const worker = await withClient(io, options, (client) =>
    withWorkerId(client, id, (whole) => client.workers.get(whole)),
  );
  await show(worker, options, io);
  return exit.ok;
}

/** `worker drain`: returns at once, while the worker finishes or hands back its runs. */
export async function drainWorker(
  id: string,
  options: ConnectionOptions & JsonOption & { readonly reason?: string },
  io: Io,
): Promise<ExitCode> {
  const worker = await withClient(io, options, (client) =>
    withWorkerId(client, id, (whole) => client.workers.drain(whole, options.reason)),
  );
  await show(worker, options, io);
  return exit.ok;
}

async function show(worker: Worker, { json }: JsonOption, io: Io): Promise<void> {
  if (json) return io.stdout.write(document(worker));

  const agents: Column<Worker["agents"][number]>[] = [
    { title: "AGENT", cell: ({ name }) => name },
    { title: "DESCRIPTION", cell: ({ description }) => description, least: 20 },
  ];
  await io.stdout.write(
    `${workerTable([worker], io)}\n${table(agents, worker.agents, layoutWidth(io.stdout))}`,
  );
}

/** @param withNamespaces false shows namespaces only if a worker names some */
function workerTable(workers: readonly Worker[], io: Io, withNamespaces = false): string {
  const colors = colorsFor(io.stdout, io);
  const shown = withNamespaces || workers.some(({ namespaces }) => namespaces.length > 0);
  const namespaces: Column<Worker> = {
    title: "NAMESPACES",
    cell: ({ namespaces }) => namespaces.join(" ") || "all",
    least: 10,
  };
  const columns: Column<Worker>[] = [
    { title: "WORKER", cell: ({ id }) => id },
    { title: "STATUS", cell: workerStatusText, paint: (status) => paintStatus(colors, status) },
    { title: "RUNS", cell: ({ activeRuns, maxConcurrentRuns }) => `${activeRuns}/${maxConcurrentRuns}` },
    { title: "HEARD", cell: ({ lastHeartbeatMs }) => ago(lastHeartbeatMs, io.now()) },
    { title: "HOST", cell: ({ hostname }) => hostname, least: 8, optional: true },
    ...(shown ? [namespaces] : []),
    { title: "LABELS", cell: ({ labels }) => labelText(labels), least: 8 },
    { title: "AGENTS", cell: ({ agents }) => agents.map(({ name }) => name).join(" "), least: 12 },
  ];
  return table(columns, workers, layoutWidth(io.stdout));
}
