import type { Memory } from "#runtime/memory/memory";

/** All that the plane's memory says, as plain data that two moments can be compared by. */
export function dumpOf({ backlog, roster, waiting }: Memory): unknown {
  const sessions = roster.rows().map((row) => {
    const held = [...roster.held(row.id).values()];
    return { row, held: held.sort((a, b) => a.ordinal - b.ordinal) };
  });
  const heads = backlog.views().map(({ lane, ready }) => ({ lane, ready }));
  return structuredClone({
    lanes: backlog.size,
    heads: heads.sort((a, b) => (a.lane.key < b.lane.key ? -1 : 1)),
    unread: backlog.unread(),
    waiting,
    sessions: sessions.sort((a, b) => (a.row.id < b.row.id ? -1 : 1)),
    room: roster.withRoom(),
    heldCount: roster.heldCount,
  });
}
