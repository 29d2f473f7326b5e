/** Whether an answer is as the OpenAPI document of its listener says: its status, its content type, and its body by the schema. */
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { expect } from "vitest";

type Schema = Readonly<Record<string, unknown>>;
type Content = Readonly<Record<string, { readonly schema?: Schema }>>;
interface Document {
  readonly components: { readonly schemas: Schemas };
  readonly paths: Readonly<
    Record<
      string,
      Readonly<Record<string, { readonly responses: Readonly<Record<string, { content?: Content }>> }>>
    >
  >;
}

export interface Answered {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

/** What one listener says of itself. */
export class Documented {
  readonly #document: Document;
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true });
  readonly #schemas = new Map<string, ValidateFunction>();
  readonly #all: Schemas;

  constructor(document: object) {
    this.#document = document as Document;
    this.#all = this.#document.components.schemas;
    addFormats.default(this.#ajv);
    this.#ajv.addSchema({ $id: "document", ...(closed(document, this.#all) as object) });
  }

  /** @param path as it was asked for, or as a template */
  expectFits(method: string, path: string, { status, type, text }: Answered): void {
    const found = this.#pathOf(path);
    const at = `${method} ${found ?? path} ${status}`;
    const documented = this.#document.paths[found ?? ""]?.[method.toLowerCase()]?.responses[status];
    expect(documented, `${at} is documented`).toBeDefined();
    const content = documented?.content ?? {};
    if (Object.keys(content).length === 0) {
      expect(text, `${at} has no body`).toBe("");
      return;
    }
    const named = Object.keys(content).find((each) => mediaType(each) === mediaType(type));
    expect(named, `${at} is documented as ${Object.keys(content)}, not as ${type}`).toBeDefined();
    const schema = content[named ?? ""]?.schema;
    if (!schema || mediaType(type) !== "application/json") return;
    const fits = this.#validator(at, schema);
    fits(JSON.parse(text));
    const problems = (fits.errors ?? []).map(
      ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
    );
    expect(problems, `${at}\n${text.slice(0, 2_000)}`).toEqual([]);
  }

  #validator(at: string, schema: Schema): ValidateFunction {
    const known = this.#schemas.get(at);
    if (known) return known;
    const text = JSON.stringify(closed(schema, this.#all)).replaceAll(
      '"#/components',
      '"document#/components',
    );
    const made = this.#ajv.compile(JSON.parse(text));
    this.#schemas.set(at, made);
    return made;
  }

  /** The path of the document that has the fewest variables of those that lead there. */
  #pathOf(path: string): string | undefined {
    const all = Object.keys(this.#document.paths);
    if (all.includes(path)) return path;
    const variables = (each: string) => each.split("{").length;
    return all
      .filter((each) =>
        new RegExp(`^${each.replace(/[.*:]/g, "\\$&").replace(/\{[^}]*\}/g, "[^/]+?")}$`).test(path),
      )
      .toSorted((a, b) => variables(a) - variables(b))[0];
  }
}

const known = new Map<number, Documented>();

/** What the listener of a port says. */
export async function documentedAt(port: number): Promise<Documented> {
  const made = known.get(port);
  if (made) return made;
  const response = await fetch(`http://127.0.0.1:${port}/api-docs/openapi.json`);
  const documented = new Documented((await response.json()) as object);
  known.set(port, documented);
  return documented;
}

function mediaType(type: string): string {
  return (type.split(";")[0] ?? "").trim();
}

type Schemas = Readonly<Record<string, Schema>>;

/** The same, where an object has no member that its schema does not have, or the message that it says stands beside, unless it is open. */
function closed(value: unknown, schemas: Schemas): unknown {
  if (Array.isArray(value)) return value.map((each) => closed(each, schemas));
  if (typeof value !== "object" || value === null) return value;
  const schema = value as Schema;
  const inner = Object.fromEntries(
    Object.entries(schema).map(([name, each]) => [name, closed(each, schemas)]),
  );
  if (schema.type !== "object" || typeof schema.properties !== "object") return inner;
  const beside = schema["x-beside"];
  const properties = {
    ...(schemas[String(beside)]?.properties as object),
    ...(inner.properties as object),
  };
  const isOpen = "additionalProperties" in schema && beside === undefined;
  return isOpen ? inner : { ...inner, properties, additionalProperties: false };
}
