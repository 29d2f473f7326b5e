import type { Documentation } from "../rest/documentation.js";
import type { Binding } from "../rest/http-rule.js";
import { type PathTemplate, pathTemplate } from "../rest/path-template.js";

/** A handler with its method and path, which is plain text or a {@link PathTemplate}. */
export interface Route<Handler> {
  /** `"*"` matches every method; the handler then checks it. */
  readonly methods: readonly string[] | "*";
  readonly path: string;
  /** What the OpenAPI document says of it; absent for an rpc, which its descriptor documents. */
  readonly documentation?: Binding | Documentation | undefined;
  readonly handler: Handler;
}

export type Routed<Handler> =
  | {
      readonly found: true;
      readonly handler: Handler;
      /** The decoded values of the parameters, by name. */
      readonly parts: Readonly<Record<string, string>>;
    }
  | {
      readonly found: false;
      /** The methods of the path; empty if there is no such path. */
      readonly allowed: readonly string[];
    };

/**
 * A table of routes. A path without variables takes precedence; among the others, one with a verb at its end, and then the first
 * that matches: a variable would take the verb for a part of its own.
 */
export class Router<Handler> {
  readonly #fixed = new Map<string, Route<Handler>[]>();
  readonly #open: { readonly route: Route<Handler>; readonly template: PathTemplate }[] = [];

  /** All of them. */
  readonly routes: readonly Route<Handler>[];

  constructor(routes: Iterable<Route<Handler>>) {
    this.routes = [...routes];
    for (const route of this.routes) {
      if (route.path.includes("{")) {
        this.#open.push({ route, template: pathTemplate(route.path) });
        continue;
      }
      const same = this.#fixed.get(route.path);
      if (same) same.push(route);
      else this.#fixed.set(route.path, [route]);
    }
    const verbs = ({ route: { path } }: { readonly route: Route<Handler> }) => Number(/\}:\w+$/.test(path));
    this.#open.sort((a, b) => verbs(b) - verbs(a));
  }

  find(method: string, path: string): Routed<Handler> {
    const allowed = new Set<string>();
    for (const route of this.#fixed.get(path) ?? []) {
      if (takes(route, method)) return { found: true, handler: route.handler, parts: {} };
      for (const each of route.methods) allowed.add(each);
    }
    if (allowed.size > 0) return { found: false, allowed: [...allowed] };
    for (const { route, template } of this.#open) {
      const parts = template.match(path);
      if (parts && takes(route, method)) return { found: true, handler: route.handler, parts };
      if (parts) for (const each of route.methods) allowed.add(each);
    }
    return { found: false, allowed: [...allowed] };
  }
}

function takes<Handler>(route: Route<Handler>, method: string): boolean {
  return route.methods === "*" || route.methods.includes(method);
}
