/**
 * A server that kills itself at a commit: `DIE_AT=5:before` just before the fifth commit that writes a Task,
 * `5:after` just after it, before anybody has heard of it. Without DIE_AT it lives. Prints its address.
 */
import { startControlPlane } from "taskrun";
import { openDoors } from "taskrun/gateway";
import { sqliteStore } from "taskrun/stores/sqlite";

const [, , path, addr] = process.argv;
const [at, when] = (process.env.DIE_AT ?? "0:never").split(":");

/** The store as it is, but for its commits. */
function mortal(store) {
  let commits = 0;
  const die = () => process.kill(process.pid, "SIGKILL");
  return {
    ...store,
    async commit(turn) {
      if (turn.tasks.length > 0) commits += 1;
      const isLast = turn.tasks.length > 0 && commits === Number(at);
      if (isLast && when === "before") die();
      const committed = await store.commit(turn);
      if (isLast && when === "after") die();
      return committed;
    },
  };
}

const terms = { heartbeat: 200, lease: 2_000, publicLease: 90_000 };
const control = await startControlPlane({ store: mortal(sqliteStore({ path })), terms });
const { plane, entropy, telemetry, schemas } = control;
const environment = "test";
const doors = await openDoors({ plane, entropy, telemetry, schemas, environment, grpc: [addr] });
process.stdout.write(`${JSON.stringify({ grpc: doors.grpc })}\n`);
await control.failed;
