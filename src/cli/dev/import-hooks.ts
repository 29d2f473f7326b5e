import type { MessagePort } from "node:worker_threads";
import { limits } from "#limits/index";

/* Hooks of Node's module loader, in its thread: tell the main thread of every file that is imported. */

let port: MessagePort | undefined;

/**
 * @param data `parent` is the process of `dev`. This thread sees that it is gone even while an agent keeps the event loop of
 *   the main one, and then ends the process
 */
export function initialize(data: { readonly port: MessagePort; readonly parent: number }): void {
  port = data.port;
  port.unref();
  const look = (): void => {
    if (process.ppid !== data.parent) process.kill(process.pid, "SIGKILL");
  };
  setInterval(look, limits.devParentEvery).unref();
}

interface Resolved {
  readonly url: string;
}

/** Also a file that does not exist is told: it may be written next. */
export async function resolve<Context extends { readonly parentURL?: string | undefined }>(
  specifier: string,
  context: Context,
  next: (specifier: string, context: Context) => Promise<Resolved>,
): Promise<Resolved> {
  try {
    const resolved = await next(specifier, context);
    port?.postMessage(resolved.url);
    return resolved;
  } catch (error) {
    if (/^\.{0,2}\//.test(specifier) && context.parentURL) {
      port?.postMessage(new URL(specifier, context.parentURL).href);
    }
    throw error;
  }
}
