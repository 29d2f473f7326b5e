import { type DescEnum, type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import type { JsonSchema } from "../rest/documentation.js";

/** What the protos say of a message, field, enum, value of an enum or rpc, by its full name. */
export type Comments = Readonly<Record<string, string>>;

/** The messages and enums that a document refers to, each as one schema by its full name: their JSON, as protobuf maps it. */
export class MessageSchemas {
  readonly #schemas = new Map<string, JsonSchema>();
  readonly #comments: Comments;

  constructor(comments: Comments) {
    this.#comments = comments;
  }

  /** What is said of something. */
  comment(name: string): { readonly description?: string } {
    const description = this.#comments[name];
    return description === undefined ? {} : { description };
  }

  /** A reference to the schema of a message or enum, which is made with all that it refers to. */
  refer(desc: DescMessage | DescEnum): JsonSchema {
    const { typeName } = desc;
    if (!this.#schemas.has(typeName)) {
      // Before its fields, which may refer to it.
      this.#schemas.set(typeName, {});
      this.#schemas.set(typeName, desc.kind === "enum" ? this.#enum(desc) : this.#message(desc));
    }
    return { $ref: `#/components/schemas/${typeName}` };
  }

  /** The schema of a field's value. */
  field(field: DescField): JsonSchema {
    switch (field.fieldKind) {
      case "list":
        return { type: "array", items: this.#element(field) };
      case "map":
        return { type: "object", additionalProperties: this.#element(field) };
      default:
        return this.#element(field);
    }
  }

  /** All of them, in the order of their names. */
  all(): Record<string, JsonSchema> {
    return Object.fromEntries([...this.#schemas].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }

  #element({ message, enum: of, scalar }: DescField): JsonSchema {
    if (message) return this.refer(message);
    return of ? this.refer(of) : scalarSchema(scalar as ScalarType);
  }

  #message({ typeName, fields }: DescMessage): JsonSchema {
    const properties = fields.map((field) => {
      return [field.name, { ...this.field(field), ...this.comment(`${typeName}.${field.name}`) }] as const;
    });
    return { type: "object", ...this.comment(typeName), properties: Object.fromEntries(properties) };
  }

  #enum({ typeName, values, parent, file }: DescEnum): JsonSchema {
    // Protobuf has the names of values beside their enum, not in it.
    const scope = parent?.typeName ?? file.proto.package;
    const said = values.map(({ name }) => `- \`${name}\`: ${this.#comments[`${scope}.${name}`] ?? ""}`);
    const description = [this.#comments[typeName] ?? "", ...said].join("\n");
    return { type: "string", description, enum: values.map(({ name }) => name) };
  }
}

/** As the JSON form of protobuf writes it: what JavaScript would round is text. */
function scalarSchema(type: ScalarType): JsonSchema {
  switch (type) {
    case ScalarType.STRING:
      return { type: "string" };
    case ScalarType.BOOL:
      return { type: "boolean" };
    case ScalarType.BYTES:
      return { type: "string", contentEncoding: "base64" };
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return { type: "number" };
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return { type: "integer", minimum: 0, maximum: 2 ** 32 - 1 };
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return { type: "integer", format: "int32" };
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return { type: "string", pattern: "^\\d+$" };
    default:
      return { type: "string", format: "int64", pattern: "^-?\\d+$" };
  }
}
