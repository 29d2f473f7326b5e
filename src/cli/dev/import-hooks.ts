import type { MessagePort } from "node:worker_threads";

/* Hooks of Node's module loader, in its thread: tell the main thread of every file that is imported. */

let port: MessagePort | undefined;

export function initialize(data: { readonly port: MessagePort }): void {
  port = data.port;
  port.unref();
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
