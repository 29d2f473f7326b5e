import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { devKey } from "#cli/server/dev-key";
import { serverConfig } from "#config/index";

const folder = mkdtempSync(join(tmpdir(), "taskrun-dev-"));
const adminKey = join(folder, "admin.key");
writeFileSync(adminKey, "tr_first\n");

test("the worker of dev has the first key, else that of the variable; without one the server is stopped", async () => {
  let stopped = 0;
  const stop = async () => {
    stopped += 1;
  };
  const on = serverConfig({ auth: "on", data: folder });
  const env = { TASKRUN_API_KEY: " tr_given " };
  expect(await devKey({ stop }, serverConfig(), { env })).toBeUndefined();
  expect(await devKey({ adminKey, stop }, on, { env })).toBe("tr_first");
  expect(await devKey({ adminKey: `${adminKey}.gone`, stop }, on, { env })).toBe("tr_given");
  expect(await devKey({ stop }, on, { env })).toBe("tr_given");
  expect(stopped).toBe(0);
  await expect(devKey({ stop }, on, { env: {} })).rejects.toMatchObject({
    code: 2,
    message: expect.stringContaining(folder),
  });
  expect(stopped).toBe(1);
});
