import type { PlaneNode } from "#client/index";
import { type ConnectionOptions, withClient } from "../connection.js";
import { type ExitCode, exit } from "../exit.js";
import type { JsonOption } from "../task/task.js";
import { ago, colorsFor, duration, paintNode } from "../terminal/format.js";
import type { Io } from "../terminal/io.js";
import { line } from "../terminal/json.js";
import { layoutWidth } from "../terminal/size.js";
import { type Column, table } from "../terminal/table.js";

/** `node list`: prints the servers that share the store. */
export async function listNodes(options: ConnectionOptions & JsonOption, io: Io): Promise<ExitCode> {
  const nodes = await withClient(io, options, (client) => client.nodes.list());
  await io.stdout.write(options.json ? nodes.map(line).join("") : nodeTable(nodes, io));
  return exit.ok;
}

function nodeTable(nodes: readonly PlaneNode[], io: Io): string {
  const colors = colorsFor(io.stdout, io);
  const columns: Column<PlaneNode>[] = [
    { title: "NODE", cell: ({ id }) => id },
    { title: "STATE", cell: ({ state }) => state, paint: (state) => paintNode(colors, state) },
    { title: "LEASE", cell: (node) => lease(node, io.now()) },
    { title: "STARTED", cell: ({ startedAtMs }) => ago(startedAtMs, io.now()) },
    { title: "WORKERS", cell: ({ workers }) => String(workers) },
    { title: "RUNS", cell: ({ runs }) => String(runs) },
    { title: "VERSION", cell: ({ version }) => version },
    { title: "ADDRESS", cell: ({ address }) => address, least: 12, optional: true },
    { title: "HOST", cell: ({ hostname }) => hostname, least: 8, optional: true },
    { title: "TAKEN BY", cell: ({ takenBy }) => takenBy, least: 8, optional: true },
  ];
  return table(columns, nodes, layoutWidth(io.stdout));
}

/** What is left of the lease, or how long ago it ended; empty where no lease is needed. */
function lease({ leaseUntilMs, state }: PlaneNode, now: number): string {
  if (leaseUntilMs === 0 || state === "left") return "";
  return leaseUntilMs > now ? duration(leaseUntilMs - now) : `ended ${ago(leaseUntilMs, now)}`;
}
