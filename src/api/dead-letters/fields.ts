import type { NamespacesResource } from "../authorize.js";
import type { Request } from "../use-case.js";

/** What a list is of: the namespace that it names, or all that its caller may use. */
export function ofNamespace(
  { namespace }: { readonly namespace: string },
  { caller }: Pick<Request, "caller">,
): { readonly resource: NamespacesResource } {
  const namespaces = namespace === "" ? caller.namespaces : [namespace];
  return { resource: { kind: "namespaces", namespaces } };
}
