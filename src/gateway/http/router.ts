/**
 * A handler with its method and path. A path is plain text, or has parameters in braces, such as `/v1/tasks/{id}`, each
 * of which matches one segment that is not empty.
 */
export interface Route<Handler> {
  /** `"*"` matches every method; the handler then checks it. */
  readonly methods: readonly string[] | "*";
  readonly path: string;
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

/** A table of routes. A path without parameters takes precedence; among the others, the first that matches. */
export class Router<Handler> {
  readonly #fixed = new Map<string, Route<Handler>[]>();
  readonly #open: { readonly route: Route<Handler>; readonly pattern: RegExp }[] = [];

  /** All of them. */
  readonly routes: readonly Route<Handler>[];

  constructor(routes: Iterable<Route<Handler>>) {
    this.routes = [...routes];
    for (const route of this.routes) {
      if (route.path.includes("{")) {
        this.#open.push({ route, pattern: patternOf(route.path) });
        continue;
      }
      const same = this.#fixed.get(route.path);
      if (same) same.push(route);
      else this.#fixed.set(route.path, [route]);
    }
  }

  find(method: string, path: string): Routed<Handler> {
    const allowed = new Set<string>();
    for (const route of this.#fixed.get(path) ?? []) {
      if (takes(route, method)) return { found: true, handler: route.handler, parts: {} };
      for (const each of route.methods) allowed.add(each);
    }
    if (allowed.size > 0) return { found: false, allowed: [...allowed] };
    for (const { route, pattern } of this.#open) {
      const parts = partsOf(pattern.exec(path));
      if (parts && takes(route, method)) return { found: true, handler: route.handler, parts };
      if (parts) for (const each of route.methods) allowed.add(each);
    }
    return { found: false, allowed: [...allowed] };
  }
}

function takes<Handler>(route: Route<Handler>, method: string): boolean {
  return route.methods === "*" || route.methods.includes(method);
}

function patternOf(path: string): RegExp {
  const literal = (text: string) => text.replace(/[.*+?^$()|[\]\\]/g, "\\$&");
  const pieces = path
    .split(/\{(\w+)\}/)
    .map((piece, i) => (i % 2 === 0 ? literal(piece) : `(?<${piece}>[^/]+)`));
  return new RegExp(`^${pieces.join("")}$`);
}

/** The parameters of a path; undefined if it does not match, or has an invalid escape. */
function partsOf(match: RegExpExecArray | null): Readonly<Record<string, string>> | undefined {
  if (!match) return undefined;
  try {
    return Object.fromEntries(
      Object.entries(match.groups ?? {}).map(([name, text]) => [name, decodeURIComponent(text)]),
    );
  } catch {
    return undefined;
  }
}
