import type { Operation, Parameter } from "./document.js";
import { byId, element } from "./elements.js";
import { wordOf } from "./schema-view.js";

/** Of an answer no more is shown. */
const SHOWN_CHARS = 262_144;

/** Where the server's paths begin, which need not be the root of its host. */
const root = new URL("../../", import.meta.url);

interface Field {
  readonly parameter: Parameter;
  readonly input: HTMLInputElement;
}

/** The form of an operation: its parameters and body, what is sent, and what comes. */
export function tryIt(method: string, path: string, operation: Operation): Node {
  const fields = operation.parameters.map(fieldOf);
  const example = operation.requestBody?.content["application/json"]?.example;
  const body = element("textarea", { "aria-label": "Body", spellcheck: "false" });
  body.value = example === undefined ? "" : JSON.stringify(example, undefined, 2);
  const send = element("button", { type: "submit" }, "Send");
  const stop = element("button", { type: "button", hidden: "" }, "Stop");
  const status = element("p", { class: "status", role: "status" });
  const text = element("pre", { hidden: "" });
  const form = element("form", {}, ...fields.map(({ parameter, input }) => rowOf(parameter, input)));
  if (operation.requestBody) form.append(element("h3", {}, "Body"), body);
  form.append(send, stop, status, text);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const ending = new AbortController();
    stop.hidden = false;
    stop.onclick = () => ending.abort();
    const request = requestOf(method, path, fields, operation.requestBody ? body.value : undefined);
    void ask(request, { status, text, signal: ending.signal }).finally(() => {
      stop.hidden = true;
    });
  });
  return form;
}

function fieldOf(parameter: Parameter): Field {
  const { name, required, schema, example } = parameter;
  const shown = { "aria-label": name, placeholder: wordOf(schema), ...(required && { required: "" }) };
  const input = element("input", { ...shown, spellcheck: "false" });
  // What a path needs is filled in; what a query may have is left to the reader.
  if (required && example !== undefined) input.value = String(example);
  return { parameter, input };
}

function rowOf({ name, in: place, required, description = "" }: Parameter, input: Node): Node {
  const label = element("span", {}, element("code", {}, name), ` ${place}${required ? ", required" : ""}`);
  return element(
    "div",
    { class: "parameter" },
    label,
    input,
    element("span", { class: "quiet" }, description),
  );
}

interface Sent {
  readonly url: URL;
  readonly init: RequestInit;
}

function requestOf(method: string, path: string, fields: readonly Field[], body: string | undefined): Sent {
  const headers = new Headers();
  const key = byId<HTMLInputElement>("key").value.trim();
  if (key !== "") headers.set("authorization", `Bearer ${key}`);
  let filled = path;
  const query = new URLSearchParams();
  for (const { parameter, input } of fields) {
    const { name, in: place } = parameter;
    const { value } = input;
    if (place === "path") filled = filled.replace(`{${name}}`, encodeURIComponent(value));
    else if (value !== "" && place === "query") addTo(query, parameter, value);
    else if (value !== "") headers.set(name, value);
  }
  if (body !== undefined) headers.set("content-type", "application/json");
  const url = new URL(filled.replace(/^\//, ""), root);
  url.search = query.toString();
  return { url, init: { method: method.toUpperCase(), headers, ...(body !== undefined && { body }) } };
}

/** A list is written as its elements with commas, a map as KEY=VALUE with commas. */
function addTo(query: URLSearchParams, { name, schema }: Parameter, value: string): void {
  if (schema.type === "array") for (const each of value.split(",")) query.append(name, each.trim());
  else if (schema.additionalProperties)
    for (const each of value.split(",")) {
      const [key = "", ...rest] = each.split("=");
      query.append(`${name}[${key.trim()}]`, rest.join("="));
    }
  else query.append(name, value);
}

interface Shown {
  readonly status: HTMLElement;
  readonly text: HTMLElement;
  readonly signal: AbortSignal;
}

async function ask({ url, init }: Sent, { status, text, signal }: Shown): Promise<void> {
  text.hidden = true;
  text.textContent = "";
  status.textContent = "Asking.";
  const beganAt = performance.now();
  try {
    const response = await fetch(url, { ...init, signal });
    const ms = Math.round(performance.now() - beganAt);
    status.dataset.tone = response.ok ? "done" : "failed";
    status.textContent = `${response.status} ${response.statusText} after ${ms} ms, ${init.method} ${url.pathname}${url.search}`;
    text.hidden = false;
    await showBody(response, text);
  } catch (error) {
    if (signal.aborted) return;
    status.dataset.tone = "failed";
    status.textContent = `There is no answer: ${(error as Error).message}`;
  }
}

/** As it comes, since events come one by one; JSON is laid out once it is whole. */
async function showBody(response: Response, text: HTMLElement): Promise<void> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let all = "";
  for (;;) {
    const { done, value = "" } = (await reader?.read()) ?? { done: true };
    if (done) break;
    all += value;
    text.textContent = all.slice(0, SHOWN_CHARS);
    if (all.length > SHOWN_CHARS) return void reader?.cancel();
  }
  if (/json/.test(response.headers.get("content-type") ?? "")) text.textContent = laidOut(all);
}

function laidOut(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json), undefined, 2);
  } catch {
    return json;
  }
}
