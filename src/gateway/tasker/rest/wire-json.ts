import { type DescField, type DescMessage, type MessageShape, ScalarType } from "@bufbuild/protobuf";
import { ourParts, type Part, type Parts } from "./json.js";

const longs: ReadonlySet<ScalarType> = new Set([
  ScalarType.INT64,
  ScalarType.UINT64,
  ScalarType.SINT64,
  ScalarType.FIXED64,
  ScalarType.SFIXED64,
]);

/** A message of `tasker.v1` as Tasker's REST API has it: counts and durations are numbers there, and no text as in the JSON of protobuf. */
export function taskersParts<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): Parts {
  return withNumbers(schema, ourParts(schema, message));
}

function withNumbers(desc: DescMessage, parts: Parts): Parts {
  const all = Object.entries(parts).map(([name, value]) => {
    const field = desc.fields.find((each) => each.name === name);
    return [name, field ? numbersIn(field, value) : value] as const;
  });
  return Object.fromEntries(all);
}

function numbersIn({ scalar, message, fieldKind }: DescField, value: Part): Part {
  if (Array.isArray(value)) return message ? value.map((each) => withNumbers(message, each as Parts)) : value;
  if (scalar !== undefined && longs.has(scalar) && typeof value === "string") return Number(value);
  const isPlain = fieldKind === "message" && message?.typeName.startsWith("tasker.v1.");
  return isPlain && typeof value === "object" && value !== null
    ? withNumbers(message, value as Parts)
    : value;
}
