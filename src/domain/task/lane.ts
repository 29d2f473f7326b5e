import type { TemplateRef } from "../template/template.js";
import type { Labels } from "./task.js";

/** A template of whichever version. */
export type LaneTemplate = Pick<TemplateRef, "namespace" | "name">;

/**
 * A queue of ready Steps that the same workers can take: one namespace, one agent, one selector. A Step never waits
 * behind Steps of another lane.
 */
export interface Lane {
  /** Canonical JSON of the others; equal lanes have equal keys. */
  readonly key: string;
  readonly namespace: string;
  readonly agentName: string;
  readonly selector: Labels;
  /**
   * Present if all Steps of the lane are of Tasks of this template, because it was paused when their turn came. They are set aside
   * there, so that they are in nobody's way.
   */
  readonly template?: LaneTemplate;
}

export function laneOf(
  namespace: string,
  agentName: string,
  selector: Labels,
  template?: LaneTemplate,
): Lane {
  const sorted = Object.entries(selector).sort(([a], [b]) => (a < b ? -1 : 1));
  const of = template && ([template.namespace, template.name] as const);
  const key = JSON.stringify([namespace, agentName, sorted, ...(of ? [of] : [])]);
  return { key, namespace, agentName, selector, ...ofTemplate(of) };
}

type LaneKey = readonly [
  namespace: string,
  agentName: string,
  selector: readonly (readonly [string, string])[],
  template?: readonly [namespace: string, name: string],
];

/** The lane with this key; undefined if it is none of {@link laneOf}. */
export function laneOfKey(key: string): Lane | undefined {
  if (!key.startsWith("[")) return undefined;
  const [namespace, agentName, sorted, template] = JSON.parse(key) as LaneKey;
  return { key, namespace, agentName, selector: Object.fromEntries(sorted), ...ofTemplate(template) };
}

/** A lane whose parts a store keeps beside its key, all but the template. */
export function storedLane({ key, ...parts }: Omit<Lane, "template">): Lane {
  const template = laneOfKey(key)?.template;
  return { key, ...parts, ...(template && { template }) };
}

function ofTemplate(of: LaneKey[3]): Pick<Lane, "template"> {
  return of ? { template: { namespace: of[0], name: of[1] } } : {};
}
