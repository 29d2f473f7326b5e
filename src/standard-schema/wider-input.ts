/*
 * The JSON Schema of a zod type describes what comes out of its coercions. What may go in is more: `z.coerce.number()` takes
 * "7", and `.catch()` anything. A server that refused by such a schema would refuse inputs that the agent takes.
 */

/** The parts of a zod definition that tell whether it takes more than its JSON Schema says. */
interface ZodNode {
  readonly _zod: {
    readonly def: {
      readonly type: string;
      readonly in?: ZodNode;
      readonly innerType?: ZodNode;
      readonly coerce?: boolean;
      readonly checks?: readonly { readonly _zod: { readonly def: { readonly check: string } } }[];
      readonly shape?: Readonly<Record<string, ZodNode>>;
    };
  };
}

/** Given to `toJSONSchema` as its `override`: leaves open what takes more than it would say. Changes the schema in place. */
export function widenInput({ zodSchema, jsonSchema }: { zodSchema: unknown; jsonSchema: object }): void {
  const node = zodSchema as ZodNode;
  const json = jsonSchema as Record<string, unknown>;
  const { shape } = node._zod.def;
  if (takesMore(node)) {
    for (const key of Object.keys(json)) delete json[key];
  } else if (shape && Array.isArray(json.required)) {
    json.required = (json.required as string[]).filter((name) => {
      const field = Object.hasOwn(shape, name) ? shape[name] : undefined;
      return !field || !takesMore(field);
    });
  }
}

const wrappers: ReadonlySet<string> = new Set([
  "optional",
  "nullable",
  "default",
  "prefault",
  "nonoptional",
  "readonly",
]);

function takesMore({ _zod: { def } }: ZodNode): boolean {
  if (def.type === "catch") return true;
  if (def.type === "pipe")
    return def.in !== undefined && (def.in._zod.def.type === "transform" || takesMore(def.in));
  if (wrappers.has(def.type)) return def.innerType !== undefined && takesMore(def.innerType);
  return def.coerce === true || (def.checks ?? []).some((check) => check._zod.def.check === "overwrite");
}
