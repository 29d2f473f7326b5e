import { basename, relative } from "node:path";

/**
 * The command that started this process, as a person in the same place can type it again: `taskrun` where it is
 * installed for all, `npx taskrun` where it lies in a project, and by its file where it was started by that.
 *
 * @param script the path the process was started with
 */
export function commandAsTyped(
  script: string,
  env: Readonly<Record<string, string | undefined>>,
  cwd: string,
): string {
  const inProject = /[\\/]node_modules[\\/]/.test(script);
  if (basename(script) === "taskrun.js" && !inProject) return `node ${relative(cwd, script)}`;
  return inProject || env.npm_command !== undefined ? "npx taskrun" : "taskrun";
}
