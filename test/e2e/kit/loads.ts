/** Which modules an import loads, in a process of its own. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Proc } from "./harness.js";

/** Tells the program of every module that the loader resolves; those that `require` loads are in its cache. */
const hooks = `
let port;
export const initialize = (data) => { port = data.port; };
export async function load(url, context, next) {
  port.postMessage(url);
  return next(url, context);
}
`;
const watch = `
import { createRequire, register } from "node:module";
import { MessageChannel } from "node:worker_threads";
const { port1, port2 } = new MessageChannel();
const urls = [];
port1.on("message", (url) => urls.push(url));
register(new URL("hooks.mjs", import.meta.url), { data: { port: port2 }, transferList: [port2] });
const loaded = await import(process.argv[2]);
if (Object.keys(loaded).length === 0) throw new Error("nothing was loaded");
await new Promise((resolve) => setTimeout(resolve, 100));
console.log(JSON.stringify([...urls, ...Object.keys(createRequire(import.meta.url).cache)]));
port1.close();
`;

/** The paths of the files that an import loads in a project; built-in modules are left out. */
export async function loadedBy(name: string, project: string): Promise<string[]> {
  writeFileSync(join(project, "hooks.mjs"), hooks);
  writeFileSync(join(project, "watch.mjs"), watch);
  const proc = new Proc(["--no-warnings", join(project, "watch.mjs"), name], project);
  if ((await proc.ended) !== 0) throw new Error(proc.stderr);
  const urls = JSON.parse(proc.stdout) as string[];
  return urls.filter((url) => !url.startsWith("node:")).map((url) => url.replace(/^file:\/\//, ""));
}
