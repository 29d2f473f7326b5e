/** A store is backed up while it is used, and put back: the same, in a new life, or not at all. */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { instant } from "#domain/time/time";
import type { Store } from "#ports/store";
import { type Backup, backup } from "#stores/sqlite/backup/backup";
import { factsOf } from "#stores/sqlite/backup/format";
import { restore } from "#stores/sqlite/backup/restore";
import { repair } from "#stores/sqlite/damage/repair";
import { verify } from "#stores/sqlite/damage/verify";
import { openDriver } from "#stores/sqlite/driver";
import { commit, runId, step, task, taskId } from "#testing/rows";
import { everything, fill, opened } from "./damage-kit.js";

const root = mkdtempSync(join(tmpdir(), "taskrun-backup-"));
afterAll(() => rmSync(root, { recursive: true }));
let count = 0;

function place(): { readonly folder: string; readonly path: string } {
  const folder = join(root, `${++count}`);
  mkdirSync(folder);
  return { folder, path: join(folder, "taskrun.db") };
}

const NOW = Date.UTC(2030, 0, 31, 9);
const backUp = (path: string, to: string): Promise<Backup> => backup({ path, to, now: NOW });

/** A store in the middle of its work, its backup, and all that could be read of it at that moment. */
async function backedUp() {
  const { folder, path } = place();
  const store = await fill(folder);
  const file = join(folder, "b.backup");
  const before = await everything(store);
  const made = await backUp(path, file);
  return { folder, path, store, file, made, before };
}

/** What `everything` says, without the restoration and the time that it moves. */
const withoutLife = (text: string) =>
  text.replace(/,"restored":\{[^}]*\}/, "").replace(/^\[\{"at":\d+/, '[{"at":0');

async function readAll(folder: string): Promise<string> {
  const store = opened(folder);
  try {
    return await everything(store);
  } finally {
    await store.close();
  }
}

const refusal = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: Error) => error.message,
  );

test("a backup of a store in use has all that was committed before, and is restored as it was, in a new life", async () => {
  const { path, store, file, made, before } = await backedUp();
  expect(made).toMatchObject({ online: true, file, madeAt: NOW });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  await store.commit(commit({ at: instant(5_000), tasks: [task(taskId(900))], steps: [step(taskId(900))] }));

  const to = place();
  const { incarnation, kept } = await restore({ from: file, path: to.path, replace: false });
  expect(kept).toBeUndefined();
  const after = await readAll(to.folder);
  expect(withoutLife(after)).toBe(withoutLife(before));
  const { at } = made;
  expect(after).toContain(`"restored":${JSON.stringify({ id: incarnation, since: at + 1 })}`);
  expect(after.startsWith(`[{"at":${at + 1},`)).toBe(true);
  // The source goes on, and lost nothing.
  expect((await store.load({ graphs: [taskId(900)] })).tasks).toHaveLength(1);
  await store.close();
  for (const each of [path, to.path]) {
    const findings = [];
    for await (const finding of verify({ path: each })) findings.push(finding);
    expect(findings).toEqual([]);
  }
});

test("a restored store takes commits, remembers its life, and each restoration of the same backup is another one", async () => {
  const { store, file } = await backedUp();
  await store.close();
  const lives: unknown[] = [];
  for (let turn = 0; turn < 2; turn++) {
    const { folder, path } = place();
    await restore({ from: file, path, replace: false });
    const first = opened(folder);
    const { at } = await first.boot();
    await first.commit(
      commit({ at: instant(at + 1), tasks: [task(taskId(901))], steps: [step(taskId(901))] }),
    );
    await first.close();
    const again = opened(folder);
    const { restored } = await again.boot();
    await again.close();
    expect(restored?.since).toBe(at);
    lives.push(restored?.id);
  }
  expect(new Set(lives).size).toBe(2);
});

test("a life of a restored store is counted on: a backup of it begins another one when it is restored", async () => {
  const { store, file } = await backedUp();
  await store.close();
  const first = place();
  const one = await restore({ from: file, path: first.path, replace: false });
  const second = join(first.folder, "second.backup");
  expect(await backUp(first.path, second)).toMatchObject({ online: false });
  const to = place();
  const two = await restore({ from: second, path: to.path, replace: false });
  expect(two.incarnation).not.toBe(one.incarnation);
  const store2 = opened(to.folder);
  const { restored, at } = await store2.boot();
  await store2.close();
  expect(restored).toEqual({ id: two.incarnation, since: at });
});

test("a directory as the target gets a name that sorts by time; nothing is ever replaced, and nothing left behind", async () => {
  const { folder, path, store, file, made } = await backedUp();
  const into = join(folder, "all");
  mkdirSync(into);
  const { file: named } = await backUp(path, into);
  expect(named).toBe(join(into, `taskrun-20300131T090000Z-${made.commits}.backup`));
  expect(await refusal(backUp(path, into))).toContain("is there already");
  expect(await refusal(backUp(path, file))).toContain("is there already");
  expect(await refusal(backUp(path, join(folder, "nowhere", "b")))).toContain("there is no directory");
  expect(await refusal(backUp(join(folder, "no.db"), join(folder, "c")))).toContain("there is no store");
  expect(readdirSync(into)).toHaveLength(1);
  expect(readdirSync(folder).filter((name) => name.includes("partial"))).toEqual([]);
  await store.close();
});

test("every flipped byte of a backup is found, and so is a cut; then nothing is restored", async () => {
  const { store, file } = await backedUp();
  await store.close();
  const content = readFileSync(file);
  const to = place();
  const bad = join(to.folder, "bad");
  for (let turn = 0; turn < 60; turn++) {
    const at = Math.floor((turn / 60) * content.length);
    const flipped = Buffer.from(content);
    flipped[at] = (flipped[at] ?? 0) ^ (1 << (turn % 8));
    writeFileSync(bad, flipped);
    // Blanks behind the facts mean nothing.
    const isPadding = content[at] === 0x20;
    const said = await refusal(restore({ from: bad, path: to.path, replace: false }));
    if (isPadding && said === undefined) rmSync(to.path);
    else expect(said, `byte ${at}`).toMatch(/damaged|no backup/);
    for (const part of ["", ".head", ".sums"]) rmSync(`${to.path}${part}`, { force: true });
  }
  for (const bytes of [0, 100, 4_096, content.length - 1, content.length - 4_096]) {
    writeFileSync(bad, content.subarray(0, bytes));
    expect(await refusal(restore({ from: bad, path: to.path, replace: false }))).toContain("is no backup");
  }
  appendFileSync(bad, "x");
  expect(existsSync(to.path)).toBe(false);
  expect(readdirSync(to.folder).filter((name) => name.includes("restoring"))).toEqual([]);
});

test("a store that is there is refused, or kept beside; one that a server uses is refused always", async () => {
  const { store, file, path, folder, before } = await backedUp();
  expect(await refusal(restore({ from: file, path, replace: true }))).toContain("another server has");
  await store.commit(commit({ at: instant(6_000), tasks: [task(taskId(902))], steps: [step(taskId(902))] }));
  await store.close();
  expect(await refusal(restore({ from: file, path, replace: false }))).toContain("there is a store at");
  const { kept } = await restore({ from: file, path, replace: true });
  expect(kept).toBe(`${path}.replaced`);
  expect(withoutLife(await readAll(folder))).toBe(withoutLife(before));
  const again = await restore({ from: file, path, replace: true });
  expect(again.kept).toBe(`${path}.replaced-2`);

  // What was kept is whole: under its own name a server takes it.
  const to = place();
  for (const part of ["", ".head", ".sums"])
    writeFileSync(`${to.path}${part}`, readFileSync(`${path}.replaced${part}`));
  const old = opened(to.folder);
  await old.boot();
  expect((await old.load({ graphs: [taskId(902)] })).tasks).toHaveLength(1);
  await old.close();
});

test("no server takes a backup for a store, nor does a repair: only a restoration begins a new life", async () => {
  const { store, file } = await backedUp();
  await store.close();
  const { folder, path } = place();
  writeFileSync(path, readFileSync(file));
  const refused: Store = opened(folder);
  expect(await refusal(refused.boot())).toContain("is a backup: move it away");
  const repairing = async () => {
    for await (const _ of repair({ path }));
  };
  expect(await refusal(repairing())).toContain("is a backup: move it away");
  expect(factsOf(path)).toBeDefined();
});

test("a store with a damaged row is not backed up, online or not: the damage is named", async () => {
  const { folder, path } = place();
  const store = await fill(folder);
  const other = openDriver(path);
  other.exec(`UPDATE runs SET held_by = 'x' WHERE id = '${runId(40)}'`);
  other.close();
  const to = join(folder, "b");
  expect(await refusal(backUp(path, to))).toMatch(
    /row .* of table runs is not what was written|has written to/,
  );
  expect(existsSync(to)).toBe(false);
  await store.close().catch(() => {});
  expect(await refusal(backUp(path, to))).toMatch(/damaged|has written to/);
  expect(existsSync(to)).toBe(false);
});
