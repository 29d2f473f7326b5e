/**
 * Which handler serves a request, by method and path. A path is text, or has parts in braces, such as
 * `/v1/tasks/{id}`, each of which stands for one segment that is not empty.
 */
export interface Route<Handler> {
  /** `"*"` leaves it to the handler which methods it takes. */
  readonly methods: readonly string[] | "*";
  readonly path: string;
  readonly handler: Handler;
}

export type Routed<Handler> =
  | {
      readonly found: true;
      readonly handler: Handler;
      /** What stood for the parts in braces, decoded, by name. */
      readonly parts: Readonly<Record<string, string>>;
    }
  | {
      readonly found: false;
      /** The methods that the path is served with; none if there is no such path. */
      readonly allowed: readonly string[];
    };

/** A table of routes. A path without braces is found before one with them; of those, the first in the table. */
export class Router<Handler> {
  readonly #fixed = new Map<string, Route<Handler>[]>();
  readonly #open: { readonly route: Route<Handler>; readonly pattern: RegExp }[] = [];

  constructor(routes: Iterable<Route<Handler>>) {
    for (const route of routes) {
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

/** Undefined if the path does not match, or has an escape that stands for nothing. */
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
