import { basename, relative } from "node:path";

/**
 * Returns the command to type in the current directory to run this program again, for hints: `taskrun` if it is installed
 * globally, `npx taskrun` if it is in a project, `node PATH` if it was started by its file.
 *
 * @param script the path with which the process was started
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
