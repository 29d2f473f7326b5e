/** Who speaks. Carried by every message and kept in every row that must later be told apart. */
export interface Caller {
  readonly principal: string;
  /** The namespaces the caller may name; `"*"` is all of them. */
  readonly namespaces: readonly string[] | "*";
  readonly roles: readonly string[];
}

/** Everyone on a loopback listener, until one knows better. */
export const LOCAL_CALLER: Caller = { principal: "local", namespaces: "*", roles: ["admin"] };

export const DEFAULT_NAMESPACE = "default";

/** True if the caller may act in the namespace. A namespace that is not the caller's does not exist for it. */
export function mayUse(caller: Caller, namespace: string): boolean {
  return caller.namespaces === "*" || caller.namespaces.includes(namespace);
}

/** The namespace a caller means that names none. */
export function ownNamespace({ namespaces }: Caller): string {
  return (namespaces === "*" ? undefined : namespaces[0]) ?? DEFAULT_NAMESPACE;
}
