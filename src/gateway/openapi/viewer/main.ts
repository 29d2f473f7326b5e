import { type ApiDocument, type Operation, resolved } from "./document.js";
import { byId, element, opens } from "./elements.js";
import { schemaView } from "./schema-view.js";
import { tryIt } from "./try-it.js";

/** An operation of the document, with its place. */
interface Entry {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

void start();

async function start(): Promise<void> {
  const state = byId("state");
  try {
    const response = await fetch(new URL("../openapi.json", import.meta.url));
    if (!response.ok) throw new Error(`the server answers ${response.status}`);
    show((await response.json()) as ApiDocument);
  } catch (error) {
    state.textContent = `The document cannot be read: ${(error as Error).message}`;
  }
}

function show(api: ApiDocument): void {
  const { title, version, description } = api.info;
  byId("state").replaceChildren(
    opens(element("span", {}, `${title} ${version}`), {}, () => element("p", { class: "said" }, description)),
  );
  const entries = Object.entries(api.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): Entry => ({ method, path, operation })),
  );
  const rows = entries.map((entry) => ({ entry, row: rowOf(api, entry) }));
  const sections = new Map<string, HTMLElement>();
  for (const { entry, row } of rows) {
    const [tag = ""] = entry.operation.tags;
    const section = sections.get(tag) ?? element("section", {}, element("h2", {}, tag));
    sections.set(tag, section);
    section.append(row);
  }
  byId("operations").replaceChildren(...sections.values());
  const filter = byId<HTMLInputElement>("filter");
  filter.addEventListener("input", () => {
    const words = filter.value.toLowerCase().split(/\s+/);
    for (const { entry, row } of rows) row.hidden = !words.every((word) => textOf(entry).includes(word));
    for (const section of sections.values())
      section.hidden = !section.querySelector(".operation:not([hidden])");
  });
}

function textOf({ method, path, operation }: Entry): string {
  const { summary, operationId } = operation;
  return `${method} ${path} ${summary} ${operationId} ${operation["x-required-permission"] ?? ""}`.toLowerCase();
}

function rowOf(api: ApiDocument, { method, path, operation }: Entry): HTMLElement {
  const needs = operation["x-required-permission"];
  const made = element(
    "details",
    { class: "operation", id: operation.operationId },
    element(
      "summary",
      {},
      element(
        "span",
        { class: "method", ...(method !== "get" && { "data-writes": "" }) },
        method.toUpperCase(),
      ),
      element("span", { class: "path" }, path),
      element("span", { class: "quiet" }, operation.summary),
      element("span", { class: "needs" }, needs ?? "open to all"),
    ),
  );
  made.addEventListener("toggle", () => {
    if (made.open && made.childElementCount === 1) made.append(bodyOf(api, method, path, operation));
  });
  return made;
}

function bodyOf(api: ApiDocument, method: string, path: string, operation: Operation): Node {
  const made = element("div", { class: "body" });
  if (operation.description) made.append(element("p", { class: "said" }, operation.description));
  made.append(tryIt(method, path, operation));
  const body = operation.requestBody?.content["application/json"]?.schema;
  if (body) made.append(opens(element("b", {}, "The body"), {}, () => schemaView(api, body)));
  for (const [status, answer] of Object.entries(operation.responses)) {
    const { description = "", content = {} } = resolved(api, answer);
    const title = element("span", {}, element("b", {}, status), ` ${description}`);
    made.append(
      opens(title, {}, () => {
        const shown = element("div");
        for (const [type, { schema, example }] of Object.entries(content)) {
          shown.append(element("p", { class: "quiet" }, type));
          if (schema) shown.append(schemaView(api, schema));
          if (example !== undefined) shown.append(element("pre", {}, textOfExample(example)));
        }
        return shown;
      }),
    );
  }
  return made;
}

function textOfExample(example: unknown): string {
  return typeof example === "string" ? example : JSON.stringify(example, undefined, 2);
}
