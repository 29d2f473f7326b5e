import { type ApiDocument, resolved, type Schema } from "./document.js";
import { element, opens } from "./elements.js";

/** A schema as a tree, whose branches are made when they are opened: schemas refer to one another in circles. */
export function schemaView(api: ApiDocument, schema: Schema): Node {
  const { properties = {}, items, additionalProperties, enum: values } = resolved(api, schema);
  const made = element("div", { class: "schema" });
  for (const [name, each] of Object.entries(properties)) made.append(memberView(api, name, each));
  if (items) made.append(memberView(api, "each element", items));
  if (typeof additionalProperties === "object")
    made.append(memberView(api, "each value", additionalProperties));
  if (values) made.append(element("p", { class: "quiet" }, `One of ${values.join(", ")}.`));
  return made;
}

function memberView(api: ApiDocument, name: string, schema: Schema): Node {
  const whole = resolved(api, schema);
  const line = element(
    "span",
    {},
    element("code", {}, name),
    " ",
    element("span", { class: "quiet" }, wordOf(schema, whole)),
  );
  const said = schema.description ?? whole.description;
  if (said !== undefined) line.append(element("span", { class: "quiet" }, ` ${said}`));
  const isLeaf =
    !whole.properties && !whole.items && typeof whole.additionalProperties !== "object" && !whole.enum;
  return isLeaf ? element("div", {}, line) : opens(line, {}, () => schemaView(api, whole));
}

/** What a value of it is. */
export function wordOf(schema: Schema, whole: Schema = schema): string {
  const name = schema.$ref?.split(".").at(-1);
  return name ?? (Array.isArray(whole.type) ? whole.type.join(" or ") : String(whole.type ?? "any"));
}
