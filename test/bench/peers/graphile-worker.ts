import { EventEmitter } from "node:events";
import { Logger, run, type WorkerEvents } from "graphile-worker";
import { Awaited, type Peer } from "./start.js";

/** Jobs at a time: more than ten times the cores; up to twice as many changed nothing that could be told from noise. */
const CONCURRENCY = 24;

/**
 * A job is added by a statement of its own and done when its end is stored. It is told of new jobs by NOTIFY, so that it does not
 * wait for its next poll.
 */
export async function startGraphileWorker(connectionString: string): Promise<Peer> {
  const jobs = new Awaited();
  const events: WorkerEvents = new EventEmitter();
  events.on("job:complete", ({ job, error }) => {
    if (error) throw error;
    jobs.done((job.payload as { readonly key: string }).key);
  });
  const runner = await run({
    connectionString,
    concurrency: CONCURRENCY,
    maxPoolSize: CONCURRENCY + 2,
    noHandleSignals: true,
    events,
    logger: new Logger(() => () => {}),
    taskList: { nothing: async () => {} },
  });
  return {
    async job() {
      const { key, end } = jobs.next();
      await runner.addJob("nothing", { key });
      await end;
    },
  };
}
