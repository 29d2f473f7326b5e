/**
 * A worker for all workflows of this folder.
 *
 *     node examples/workflows/worker.mjs [HOST:PORT]
 */
import { serve } from "taskrun/worker";
import { agents } from "./agents/index.mjs";

const [addr] = process.argv.slice(2);

const worker = await serve({
  agents,
  namespaces: ["example", "orders"],
  maxRuns: 32,
  ...(addr && { addr }),
});
await worker.closed;
