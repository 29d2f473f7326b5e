/** Files that only their user may read, of a server and of a worker. */
import { chmodSync, chownSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { intrusionOf, readPrivateFile, writePrivate } from "#files/private";
import { readPrivate } from "#host/tls/private-files";
import { IdentityFile } from "#worker/identity/identity-file";

const root = mkdtempSync(join(tmpdir(), "taskrun-private-"));
afterAll(() => rmSync(root, { recursive: true }));

const terms = {
  most: 10,
  intruded: (intrusion: object) => new Error(`open ${JSON.stringify(intrusion)}`),
  tooLong: (bytes: number) => new Error(`${bytes} bytes`),
};

test("is written whole for this user alone, over one that others could read too, and leaves nothing beside it", async () => {
  const path = join(root, "key");
  writeFileSync(path, "old", { mode: 0o644 });
  await writePrivate(path, "new");
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(await readPrivateFile(path, terms)).toBe("new");
  expect(readdirSync(root)).toEqual(["key"]);
});

test("is not read if others can, belongs to somebody else or is too long; and is nothing if it is not there", async () => {
  const path = join(root, "other");
  expect(await readPrivateFile(path, terms)).toBeUndefined();
  await writePrivate(path, "x".repeat(11));
  await expect(readPrivateFile(path, terms)).rejects.toThrow("11 bytes");
  for (const mode of [0o640, 0o604, 0o610]) {
    chmodSync(path, mode);
    await expect(readPrivateFile(path, terms)).rejects.toThrow(`"mode":"0${mode.toString(8)}"`);
  }
  const self = process.getuid?.() ?? 0;
  expect(intrusionOf({ mode: 0o100600, uid: self })).toBeUndefined();
  expect(intrusionOf({ mode: 0o100600, uid: self + 1 })).toEqual({ how: "owner", uid: self + 1, self });
});

test("a server and a worker refuse the same, each in words that lead on", async () => {
  const identity = new IdentityFile(join(root, "w1"));
  const kept = { worker: "w1", cert: "c", key: "k", token: "t", notAfter: 2, renewAt: 1 };
  await identity.write(kept);
  expect(await identity.read()).toMatchObject(kept);
  const path = join(root, "w1", "identity.json");
  chmodSync(path, 0o644);
  await expect(identity.read()).rejects.toThrow(
    /mode 0644\), who could pass for this worker: remove it, and invite/,
  );
  await expect(readPrivate(path)).rejects.toMatchObject({ code: "denied", reason: "KEYS_NOT_PRIVATE" });
  if (process.getuid?.() !== 0) return;
  chmodSync(path, 0o600);
  chownSync(path, 65_534, 65_534);
  await expect(identity.read()).rejects.toThrow(/belongs to user 65534, who could pass for this worker/);
  await expect(readPrivate(path)).rejects.toThrow("let it belong to 0");
});
