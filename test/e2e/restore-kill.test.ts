/**
 * `store restore --replace` is killed right before each change that it makes to a file. Whatever it leaves behind: a server starts on what was
 * there before, on what was restored, or not at all; the restoration can be run again; and what was there before is whole, there or kept aside.
 */
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { instant } from "#domain/time/time";
import { backup } from "#stores/sqlite/backup/backup";
import { restore } from "#stores/sqlite/backup/restore";
import { commit, step, task, taskId } from "#testing/rows";
import { copyOf, everything, fill, opened } from "../stores/sqlite/damage-kit.js";
import { Stage } from "./kit/harness.js";

const stage = new Stage();
afterAll(() => stage.end());

const preload = new URL("./fixtures/mortal-files.mjs", import.meta.url).href;

/** What `everything` says, without the restoration and the time that it moves. */
const withoutLife = (text: string) =>
  text.replace(/,"restored":\{[^}]*\}/, "").replace(/^\[\{"at":\d+/, '[{"at":0');

interface Scene {
  /** What a killed server has left behind, half of it in its log. */
  readonly left: string;
  readonly file: string;
  /** All that the backup has, and all that is there. */
  readonly backedUp: string;
  readonly old: string;
}

async function scene(): Promise<Scene> {
  const folder = join(stage.dir, "living");
  mkdirSync(folder);
  const store = await fill(folder);
  const file = join(stage.dir, "b.backup");
  await backup({ path: join(folder, "taskrun.db"), to: file, now: Date.UTC(2030, 0, 31) });
  const backedUp = await everything(store);
  await store.commit(commit({ at: instant(6_000), tasks: [task(taskId(902))], steps: [step(taskId(902))] }));
  const old = await everything(store);
  const left = join(stage.dir, "left");
  copyOf(folder, left);
  await store.close();
  expect(withoutLife(old)).not.toBe(old);
  return { left, file, backedUp, old };
}

async function restored(folder: string, file: string, env: Readonly<Record<string, string>> = {}) {
  const proc = stage.run(["store", "restore", file, "--data", folder, "--replace"], {
    NODE_OPTIONS: `--import=${preload}`,
    E2E_FOLDER: folder,
    ...env,
  });
  return { end: await proc.ended, proc };
}

/** All that a server would find there, or why it does not start. */
async function found(folder: string): Promise<string> {
  const store = opened(folder);
  try {
    return await everything(store);
  } catch (error) {
    return `refused: ${(error as Error).message}`;
  } finally {
    await store.close().catch(() => undefined);
  }
}

/** What is kept aside under each name, as a server would find it. */
async function keptIn(folder: string): Promise<string[]> {
  const names = readdirSync(folder).filter((name) => /^taskrun\.db\.replaced(-\d+)?$/.test(name));
  return Promise.all(
    names.map((name) => {
      const to = join(folder, `look-${name}`);
      copyOf(folder, to, name);
      return found(to);
    }),
  );
}

test("a restoration that is killed at any of its steps loses nothing, and can be run again", {
  timeout: 600_000,
}, async () => {
  const { left, file, backedUp, old } = await scene();
  const whole = join(stage.dir, "whole");
  copyOf(left, whole);
  const count = join(stage.dir, "count");
  const { end, proc } = await restored(whole, file, { E2E_COUNT: count });
  expect(end, proc.stderr).toBe(0);
  const changes = Number(readFileSync(count, "utf8"));
  expect(changes).toBeGreaterThan(15);

  const starts = { old: 0, restored: 0, refused: 0 };
  for (let at = 1; at <= changes; at += 1) {
    const folder = join(stage.dir, `killed-${at}`);
    copyOf(left, folder);
    expect((await restored(folder, file, { E2E_KILL_AT: String(at) })).end, `change ${at}`).toBe("SIGKILL");

    const start = join(stage.dir, `start-${at}`);
    copyOf(folder, start);
    const there = await found(start);
    if (there === old) starts.old += 1;
    else if (withoutLife(there) === withoutLife(backedUp) && there.includes('"restored":{'))
      starts.restored += 1;
    else {
      expect(there, `change ${at}`).toMatch(/^refused: .* has lost commits/);
      starts.refused += 1;
    }

    await restore({ from: file, path: join(folder, "taskrun.db"), replace: true });
    expect(withoutLife(await found(folder)), `change ${at}`).toBe(withoutLife(backedUp));
    expect(await keptIn(folder), `change ${at}`).toContain(old);
    expect(readdirSync(folder).filter((name) => name.includes(".restoring"))).toEqual([]);
  }
  // Each of the three has been seen, or the kills have not come where they should.
  expect(Math.min(...Object.values(starts)), JSON.stringify(starts)).toBeGreaterThan(0);
});
