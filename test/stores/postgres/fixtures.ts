import { type PostgresOptions, postgresStore } from "#stores/postgres/index";
import type { StoreFixture } from "#testing/store-suite/kit";
import type { SharedFixture } from "#testing/store-suite/nodes/index";
import type { PostgresServer } from "./server.js";

/** An empty store that one process opens. The tests of a file run one after the other. */
export async function soleStore(
  server: PostgresServer,
  options: Omit<PostgresOptions, "url">,
): Promise<StoreFixture> {
  await server.empty("suite");
  const store = () => postgresStore({ url: server.ordinaryUrl("suite"), ...options });
  let current = store();
  return {
    store: current,
    async reopen() {
      await current.close();
      // What a process has claimed is given to another one only after a while, which passes here.
      if (options.shared) {
        for (const table of ["steps", "deadlines"]) {
          await server.query(`UPDATE suite.${table} SET claimed_until = 0 WHERE claimed_until > 0`);
        }
      }
      current = store();
      return current;
    },
  };
}

/** The instants that a store compares with its clock. */
const instants = [
  ["nodes", "lease_until"],
  ["nodes", "gone_at"],
  ["workers", "written_at"],
  ["steps", "claimed_until"],
  ["deadlines", "claimed_until"],
] as const;

/** An empty store that several processes open. Time passes by moving all instants in it into the past. */
export async function storeOfMany(server: PostgresServer): Promise<SharedFixture> {
  await server.empty("suite");
  return {
    open: async () => postgresStore({ url: server.ordinaryUrl("suite"), shared: true }),
    async pass(ms) {
      for (const [table, column] of instants) {
        await server.query(`UPDATE suite.${table} SET ${column} = ${column} - $1`, [ms]);
      }
    },
  };
}
