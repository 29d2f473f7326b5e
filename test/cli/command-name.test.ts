import { expect, test } from "vitest";
import { commandAsTyped } from "#cli/command-name";

test.each([
  ["/usr/local/bin/taskrun", {}, "taskrun"],
  ["/home/ann/.npm/_npx/5eec/node_modules/.bin/taskrun", { npm_command: "exec" }, "npx taskrun"],
  ["/home/ann/project/node_modules/.bin/taskrun", {}, "npx taskrun"],
  ["C:\\project\\node_modules\\taskrun\\bin\\taskrun.js", { npm_command: "exec" }, "npx taskrun"],
  ["/home/ann/taskrun/bin/taskrun.js", {}, "node bin/taskrun.js"],
  ["/home/ann/taskrun/bin/taskrun.js", { npm_command: "run-script" }, "node bin/taskrun.js"],
])("started as %s with %j, it is typed again as %s", (script, env, typed) => {
  expect(commandAsTyped(script, env, "/home/ann/taskrun")).toBe(typed);
});
