/** An export is whole: closed over the kinds of rows and texts that there are. */
import { expect, test } from "vitest";
import {
  type RowKindName,
  rowKind,
  rowKindNames,
  type TextKindName,
  textId,
  textKindNames,
} from "#domain/row-kinds";
import { headerText, wholeText } from "#host/archive/export";
import { FORMAT, textOf } from "#host/archive/lines";
import type { Commit, Store } from "#ports/store";
import { memoryStore } from "#stores/memory/index";
import { deadLetter, ended, task } from "#testing/rows";
import { alone, exported, fill, imported, live, parent } from "./kit.js";

async function opened(): Promise<Store> {
  const store = memoryStore();
  await store.boot();
  return store;
}

/** Of each kind the last version of each row and text that was committed, by its id, of ended Tasks. */
type Written = Readonly<Record<RowKindName | TextKindName, Map<string, unknown>>>;

/** Notes what a store is given. */
function noting(store: Store): { readonly store: Store; readonly written: Written } {
  const names = [...rowKindNames, ...textKindNames];
  const written = Object.fromEntries(names.map((name) => [name, new Map()])) as unknown as Written;
  const note = (turn: Commit) => {
    for (const name of rowKindNames)
      for (const row of turn[name]) written[name].set(rowKind(name).idOf(row), row);
    for (const name of textKindNames) for (const text of turn[name]) written[name].set(textId(text), text);
  };
  const noted = new Proxy(store, {
    get: (_, name) => {
      const own = Reflect.get(store, name, store);
      if (name !== "commit") return typeof own === "function" ? own.bind(store) : own;
      return (turn: Commit) => {
        note(turn);
        return store.commit(turn);
      };
    },
  });
  return { store: noted, written };
}

test("of every kind that belongs to a Task all is exported and imported, whatever kinds there will be", async () => {
  const [from, to] = [noting(await opened()), noting(await opened())];
  await fill(from.store);
  await imported(await exported(from.store.reads), to.store);
  const kinds = [...rowKindNames.filter((name) => rowKind(name).taskOf), ...textKindNames];
  expect(kinds.length).toBeGreaterThan(7);
  for (const kind of kinds) {
    const wanted = [...from.written[kind]].filter(([, row]) => !JSON.stringify(row).includes(live));
    expect(wanted, `this test has no ${kind} of an ended task`).not.toEqual([]);
    expect(new Map(to.written[kind]), kind).toEqual(new Map(wanted));
  }
});

test("a row of another Task, or of another namespace, refuses the Task that it stands in", async () => {
  const letter = deadLetter(alone);
  const rest = { type: "end", taskId: alone, lastSeq: 0, lines: 2 } as const;
  const whole = (row: typeof letter) =>
    [
      headerText(0),
      textOf({ type: "task", row: ended(task(alone, { counts: {} }), 50) }),
      textOf({ type: "deadLetter", row }),
      textOf(rest),
      wholeText(1),
    ].join("");
  const why = "the file has a row of another task in it";
  for (const row of [
    { ...letter, taskId: parent },
    { ...letter, namespace: "other" },
  ]) {
    const target = await opened();
    expect((await imported(whole(row), target)).refused).toEqual([{ id: alone, why }]);
    expect(await target.reads.task(alone)).toBeUndefined();
  }
  const target = await opened();
  expect(await imported(whole(letter), target)).toMatchObject({ imported: 1, refused: [] });
  const changed = { ...letter, notes: "looked at" };
  expect((await imported(whole(changed), target)).refused).toEqual([
    { id: alone, why: "its dead letter is there, and differs" },
  ]);
});

test("a line of a type that is not known is refused, never passed over; files of the version before are read", async () => {
  const source = await opened();
  await fill(source);
  const lines = (await exported(source.reads)).split(/(?<=\n)/);
  const strange = textOf({ type: "other", row: {} } as unknown as Parameters<typeof textOf>[0]);
  const target = await opened();
  await expect(
    imported([...lines.slice(0, 2), strange, ...lines.slice(2)].join(""), target),
  ).rejects.toMatchObject({
    reason: "EXPORT_DAMAGED",
    message: expect.stringContaining("file, line 3: "),
  });
  const before = textOf({ type: "header", format: FORMAT, version: 1, madeAt: 0 });
  expect(await imported([before, ...lines.slice(1)].join(""), target)).toMatchObject({ imported: 5 });
});
