import { DBOS } from "@dbos-inc/dbos-sdk";
import type { Peer } from "./start.js";

/** A job is a workflow of one step, started and awaited in this process; it is done when its result is stored. */
export async function startDbos(systemDatabaseUrl: string): Promise<Peer> {
  const workflow = DBOS.registerWorkflow(async () => DBOS.runStep(async () => {}, { name: "nothing" }), {
    name: "bench",
  });
  DBOS.setConfig({ name: "bench", systemDatabaseUrl, systemDatabasePoolSize: 20, logLevel: "error" });
  await DBOS.launch();
  return {
    async job() {
      const handle = await DBOS.startWorkflow(workflow)();
      await handle.getResult();
    },
  };
}
