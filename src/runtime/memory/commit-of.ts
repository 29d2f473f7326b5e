import type { Instant } from "#domain/time/time";
import type { Commit } from "#ports/store-turns";
import type { AgentWrites } from "./agent-writes.js";
import type { AuditWrites } from "./audit-writes.js";
import type { CommitTerms } from "./commit-terms.js";
import type { LaneWrites } from "./lane-writes.js";
import type { PauseWrites } from "./pauses.js";
import type { RowChanges } from "./row-changes.js";
import { rowsRead } from "./rows-seen.js";
import type { TemplateWrites } from "./template-writes.js";
import type { UsageWrites } from "./usage-writes.js";

/** What a turn has to write. */
interface Written extends Pick<Commit, "log" | "deadlines"> {
  readonly changedRows: number;
  readonly rows: RowChanges;
  readonly agents: AgentWrites;
  readonly templates: TemplateWrites;
  readonly lanes: LaneWrites;
  readonly pauses: PauseWrites;
  readonly audit: AuditWrites;
  readonly usage: UsageWrites;
}

/** Everything that a turn writes, as one commit; undefined if there is nothing to write. */
export function commitOf(
  work: Written,
  at: Instant,
  id: string,
  { units, node, chain }: CommitTerms,
): Commit | undefined {
  const { log, deadlines } = work;
  const { lanesAdded, lanesRemoved } = work.lanes.toCommit();
  const templates = work.templates.toCommit();
  const { agents, agentsForgotten } = work.agents.toCommit();
  const audit = work.audit.toCommit(chain);
  const pauses = work.pauses.toCommit();
  const used = work.usage.toCommit(); // never alone: the row of its Run is written too
  const others = [log, deadlines, lanesAdded, lanesRemoved, templates, agents, agentsForgotten];
  const isEmpty = work.changedRows === 0 && others.every(({ length }) => length === 0);
  if (isEmpty && !audit && !pauses) return undefined;

  return {
    id,
    at,
    ...(node !== undefined && { node }),
    ...(units && { read: rowsRead(units, work.rows) }),
    ...work.rows.toCommit(),
    templates,
    log,
    deadlines,
    lanesAdded,
    lanesRemoved,
    agents,
    agentsForgotten,
    ...(pauses && { pauses }),
    ...(used && { used }),
    ...(audit && { audit }),
  };
}
