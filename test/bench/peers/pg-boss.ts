import PgBoss from "pg-boss";
import { Awaited, type Peer } from "./start.js";

const QUEUE = "bench";
/** What it fetches at a time, so that its number of jobs a second is not that of its polls. */
const BATCH = 256;

/**
 * A job is done when its function has run: that its end is stored is told to nobody. Its worker is told of new jobs in this process, so
 * that it does not wait for its next poll.
 */
export async function startPgBoss(connectionString: string): Promise<Peer> {
  const jobs = new Awaited();
  const boss = new PgBoss({ connectionString, max: 10 });
  boss.on("error", (error) => {
    throw error;
  });
  await boss.start();
  await boss.createQueue(QUEUE);
  const worker = await boss.work<{ readonly key: string }>(
    QUEUE,
    { batchSize: BATCH, pollingIntervalSeconds: 0.5 },
    async (batch) => {
      for (const { data } of batch) jobs.done(data.key);
    },
  );
  return {
    async job() {
      const { key, end } = jobs.next();
      await boss.send(QUEUE, { key });
      boss.notifyWorker(worker);
      await end;
    },
  };
}
