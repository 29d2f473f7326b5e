/** One of several nodes is far from the database: the others are as fast as ever. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { TaskRunClient } from "#client/index";
import { noPostgres, PostgresServer } from "../stores/postgres/server.js";
import { Wire } from "../stores/postgres/wire.js";
import { Cluster } from "./kit/cluster.js";

const DELAY_MS = 200;
const RATIO_MAX = 1.5;
const ROUND_MS = 2_500;
/** Rounds with and without the delay in turn, so that whatever else the machine does hits both alike. */
const ROUNDS = 4;
/** A disk that hesitates once, or a machine that is needed elsewhere, makes a p99 of its own: then it is measured again. */
const TRIES = 3;

/** Tasks one after the other on so many lanes, until `ends`; how long each took, in milliseconds. */
async function load(client: TaskRunClient, lanes: number, ends: number): Promise<number[]> {
  const took: number[] = [];
  const lane = async () => {
    while (performance.now() < ends) {
      const began = performance.now();
      await client.tasks.run({ agent: "writer", input: { chunks: 1 } });
      took.push(performance.now() - began);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return took;
}

function p99(took: readonly number[]): number {
  return took.toSorted((a, b) => a - b)[Math.floor(took.length * 0.99)] ?? Number.NaN;
}

test.runIf(noPostgres === undefined)(noPostgres ?? "PostgreSQL is here", () => {});

describe.skipIf(noPostgres !== undefined)("nodes over one PostgreSQL", () => {
  let postgres: PostgresServer;
  let wire: Wire;
  let cluster: Cluster;
  beforeAll(async () => {
    postgres = await PostgresServer.start();
    wire = await Wire.to(postgres.port);
    const [near, far] = [postgres.url("slow"), postgres.url("slow", wire.port)];
    cluster = await Cluster.over(postgres, [near, near, far], "30s");
  });
  afterAll(async () => {
    await cluster.end();
    wire.close();
    await postgres.remove();
  });

  test(`with ${DELAY_MS} ms to the database one node is slow, and the p99 of the others at most ${RATIO_MAX} times as long`, async () => {
    for (const node of [0, 1, 2]) await cluster.workers(`at-${node}`, 2, [cluster.node(node).addr]);
    const clients = [0, 1, 2].map((node) => cluster.client(node)) as [
      TaskRunClient,
      TaskRunClient,
      TaskRunClient,
    ];
    const round = async (delayMs: number) => {
      wire.delayMs = delayMs;
      const ends = performance.now() + ROUND_MS;
      const [first, second, slow] = await Promise.all(clients.map((client) => load(client, 2, ends)));
      return { others: [...(first ?? []), ...(second ?? [])], slow: slow ?? [] };
    };
    await round(0);

    let ratio = Number.POSITIVE_INFINITY;
    for (let again = 0; again < TRIES && !(ratio <= RATIO_MAX); again += 1) {
      const [near, far, late]: [number[], number[], number[]] = [[], [], []];
      for (let i = 0; i < ROUNDS; i += 1) {
        near.push(...(await round(0)).others);
        const { others, slow } = await round(DELAY_MS);
        far.push(...others);
        late.push(...slow);
      }
      expect(Math.min(...late), "the delay is felt where it is").toBeGreaterThan(DELAY_MS);
      ratio = p99(far) / p99(near);
      console.info(
        `p99 of the others: ${p99(near).toFixed(1)} ms, beside a slow node ${p99(far).toFixed(1)} ms`,
      );
    }
    expect(ratio).toBeLessThanOrEqual(RATIO_MAX);
  });
});
