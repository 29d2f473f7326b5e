/**
 * The server is killed at random moments while clients create, watch and cancel, and workers report; workers
 * are killed too. `KILL_ROUNDS` says how often, if not 100 times; `KILL_SEED` repeats a run's choices.
 */
import { afterAll, test } from "vitest";
import { chunkOf } from "./kit/content.js";
import { type Proc, pause, type Server, Stage } from "./kit/harness.js";
import { check, Ledger, randomFrom, SETTLE_MS } from "./kit/ledger.js";
import { RawWorker, statuses } from "./kit/raw-worker.js";

const rounds = Number(process.env.KILL_ROUNDS ?? 100);
const seed = Number(process.env.KILL_SEED ?? Math.floor(Math.random() * 2 ** 31));
/** Tasks a round begins at most; a client's connection carries no more watchers than 100. */
const TASKS_PER_ROUND = 12;
const LOAD_MS_MAX = 700;
/** A start, the load and a kill: a second or two, and ten times as long where four other processes want each core. */
const ROUND_MS_MAX = 15_000;

const stage = new Stage();
afterAll(() => stage.end());

const random = randomFrom(seed);

/** A worker that writes down every assignment as it arrives, and works at once, as a new process after each death. */
class Recorder {
  readonly #ledger: Ledger;
  readonly #addr: string;
  #worker: RawWorker | undefined;
  #lives = 0;
  #answered = 0;
  #timer: NodeJS.Timeout;

  constructor(addr: string, ledger: Ledger) {
    this.#addr = addr;
    this.#ledger = ledger;
    this.#timer = setInterval(() => this.#work(), 5);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#worker?.close();
  }

  #work(): void {
    if (!this.#worker || this.#worker.endedWith !== undefined) {
      this.#worker?.close();
      this.#lives += 1;
      this.#answered = 0;
      const who = { id: "recorder", agents: ["writer"], capacity: 3, instance: `life-${this.#lives}` };
      this.#worker = new RawWorker(this.#addr, who);
    }
    const assignments = this.#worker.all("assignRun");
    for (const run of assignments.slice(this.#answered)) {
      const { runId, fence, taskId } = run;
      this.#ledger.seen.push({ runId, fence, taskId });
      this.#worker.status(run, statuses.RUNNING);
      const { chunks } = JSON.parse(run.inputJson) as { chunks: number };
      for (let seq = 0; seq < chunks; seq += 1) this.#worker.output(run, seq, chunkOf(runId, seq));
      const outputJson = JSON.stringify({ runId, chunks });
      this.#worker.status(run, statuses.COMPLETED, { outputCount: BigInt(chunks), outputJson });
    }
    this.#answered = assignments.length;
  }
}

async function oneRound(round: number, server: Server, ledger: Ledger): Promise<Promise<void>[]> {
  const loadMs = random() * LOAD_MS_MAX;
  const end = Date.now() + loadMs;
  const tasks: Promise<void>[] = [];
  while (Date.now() < end && tasks.length < TASKS_PER_ROUND) {
    tasks.push(ledger.task(`round-${round}-${tasks.length}`));
    await pause(random() * 60);
  }
  await pause(Math.max(0, end - Date.now()));
  await server.restart();
  return tasks;
}

/** Every few rounds a worker dies too, and another comes in its place. */
async function renew(workers: Proc[], round: number, addr: string): Promise<void> {
  if (round % 3 !== 2) return;
  await workers.shift()?.end("SIGKILL");
  workers.push(stage.workerWithoutWaiting(addr, { id: `sdk-${round}` }));
}

test(`nothing acknowledged is lost over ${rounds} deaths of the server`, {
  timeout: rounds * ROUND_MS_MAX + 2 * SETTLE_MS,
}, async () => {
  const server = await stage.server({ lease: "1s", heartbeat: "200ms" });
  const client = stage.client(server.addr);
  const ledger = new Ledger(client, random);
  const recorder = new Recorder(server.addr, ledger);
  const workers = [
    await stage.worker(server.addr, { id: "sdk-a" }),
    await stage.worker(server.addr, { id: "sdk-b" }),
  ];
  const tasks: Promise<void>[] = [];
  try {
    for (let round = 0; round < rounds; round += 1) {
      tasks.push(...(await oneRound(round, server, ledger)));
      await renew(workers, round, server.addr);
    }
    ledger.calm();
    await Promise.all(tasks);
    await ledger.watchersDone();
    await check(ledger, client, stage.traces());
  } catch (error) {
    throw new Error(`with KILL_SEED=${seed} KILL_ROUNDS=${rounds}: ${(error as Error).message}`, {
      cause: error,
    });
  } finally {
    recorder.stop();
  }
});
