import type { RunRow } from "#domain/task/run";
import { instant } from "#domain/time/time";
import type { BootState } from "#ports/store-turns";
import type { Cells, Connection } from "./connect/connection.js";
import { restorationFrom, restored } from "./restored.js";
import { agentFrom, laneFrom, pauseFrom, rowFrom } from "./rows/rows.js";

export const boots = {
  at: { text: "SELECT coalesce(max(at), 0) FROM commits" },
  lanes: { text: "SELECT key, namespace, agent_name, selector FROM lanes" },
  held: { text: "SELECT fixed, data FROM runs WHERE held" },
  waiting: { text: "SELECT namespace, sum(count) FROM waiting GROUP BY namespace HAVING sum(count) <> 0" },
  templates: { text: "SELECT namespace, count(*) FROM templates GROUP BY namespace" },
  agents: { text: "SELECT data FROM agents" },
  pauses: { text: "SELECT data FROM pauses" },
} as const;

/** Both kinds of deadlines have an index of their own, see `due` in `store.ts`. */
export const NEXT_DUE = {
  name: "next-due",
  text: `SELECT least((SELECT min(at) FROM deadlines WHERE kind <> 'start'),
    (SELECT min(at) FROM deadlines WHERE kind = 'start'))`,
} as const;

/** Reads the state at boot, on one snapshot. */
export async function bootState(connection: Connection, isShared: boolean): Promise<BootState> {
  await connection.script("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  try {
    const [at] = await connection.query(boots.at);
    const [due] = await connection.query(NEXT_DUE);
    const [before] = await connection.query(restored.last);
    return {
      at: instant(Number(at?.[0])),
      lanes: (await connection.query(boots.lanes)).map(laneFrom),
      // A node adopts nothing before it has joined the others.
      held: (isShared ? [] : await connection.query(boots.held)).map(([fixed, data]) =>
        rowFrom<RunRow>(fixed, data),
      ),
      waiting: new Map((await connection.query(boots.waiting)).map(countOf)),
      templates: new Map((await connection.query(boots.templates)).map(countOf)),
      agents: (await connection.query(boots.agents)).map(([data]) => agentFrom(data)),
      pauses: (await connection.query(boots.pauses)).map(([data]) => pauseFrom(data)),
      nextDueAt: instantOf(due),
      ...(before && { restored: restorationFrom(before) }),
    };
  } finally {
    await connection.script("ROLLBACK").catch(() => {});
  }
}

export function instantOf(row: Cells | undefined) {
  const at = row?.[0] ?? null;
  return at === null ? undefined : instant(Number(at));
}

function countOf([namespace, count]: Cells): readonly [string, number] {
  return [String(namespace), Number(count)];
}
