/**
 * `npm run bench`: how fast, how lean and how soon back, for tasks of one step and for workflows. Server, worker and
 * load are processes of their own, the store is SQLite with fsync, the wire real gRPC over the loopback. Rates and
 * latencies are those of a warm server: it has worked on many tasks at a time for some seconds before.
 *
 *     npm run bench -- [--quick] [--only NAME]... [--profile] [--inspect] [--json FILE]
 *
 *     npm run bench -- --store postgres [--quick] [--profile] [--json FILE]
 *
 * The second form compares RunTask over PostgreSQL with other systems that do jobs on the same server.
 *
 * Prints a table, writes `bench-results.json`, and ends with 1 if a rate with many waiting tasks is below 0.8 of
 * that with few, a restart takes over 3 s, TLS or durable steps cost more than they may, or RunTask is not faster than create and watch, or than
 * graphile-worker, by what it must.
 */
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { measureEnds } from "./ends.js";
import { comparePlanes, fullSizes, idleCpu, memoryPerWorker, quickSizes, rateNames } from "./measures.js";
import { measurePeers } from "./peers/measure.js";
import { jsonOf, missed, type Results, tableOf } from "./report.js";
import { measureSteps } from "./steps.js";
import { measureTls } from "./tls.js";
import { measureWorkflows } from "./workflows.js";

const names = [...rateNames, "restart", "idle", "memory", "ends", "steps", "workflows", "tls"] as const;

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string", multiple: true, default: [] },
    profile: { type: "boolean", default: false },
    inspect: { type: "boolean", default: false },
    store: { type: "string", default: "sqlite" },
    json: { type: "string", default: "bench-results.json" },
  },
});

const unknown = values.only.filter((name) => !names.some((known) => known === name));
if (unknown.length > 0) {
  console.error(`bench: there is no measure ${unknown.join(", ")}; there are ${names.join(", ")}`);
  process.exit(2);
}
if (
  !["sqlite", "postgres"].includes(values.store) ||
  (values.store === "postgres" && values.only.length > 0)
) {
  console.error(
    "bench: --store is sqlite or postgres, and postgres has one measure of its own: leave out --only",
  );
  process.exit(2);
}
// The helpers end when this process does, and the servers are killed on its exit.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));

const wanted = (name: (typeof names)[number]) => values.only.length === 0 || values.only.includes(name);
const sizes = values.quick ? quickSizes : fullSizes;
const say = (line: string) => console.error(`  ${line}`);

const results = await measure();
console.log(`\n${tableOf(results)}\n`);
await writeFile(values.json, jsonOf(results, values.quick));

const problems = missed(results);
for (const problem of problems) console.error(`missed: ${problem}`);
process.exit(problems.length > 0 ? 1 : 0);

async function measure(): Promise<Results> {
  const options = { profile: values.profile, inspect: values.inspect };
  if (values.store === "postgres") return { planes: [], peers: await measurePeers(sizes, options, say) };
  const rates = rateNames.filter(wanted);
  const planes = rates.length > 0 || wanted("restart") ? await comparePlanes(rates, sizes, options, say) : [];

  if (wanted("idle")) say(`watching an idle server for ${sizes.idleMs / 1_000} s`);
  const idle = wanted("idle") ? { idlePercent: await idleCpu(sizes, options) } : {};
  if (wanted("memory")) say(`connecting ${sizes.crowd} idle workers`);
  const memory = wanted("memory") ? { bytesPerWorker: await memoryPerWorker(sizes, options) } : {};
  const ends = wanted("ends") ? { ends: await measureEnds(sizes, options, say) } : {};
  const steps = wanted("steps") ? { steps: await measureSteps(sizes, options, say) } : {};
  const workflows = wanted("workflows") ? { workflows: await measureWorkflows(sizes, options, say) } : {};
  const tls = wanted("tls") ? { tls: await measureTls(sizes, options, say) } : {};
  return { planes, ...idle, ...memory, ...ends, ...steps, ...workflows, ...tls };
}
