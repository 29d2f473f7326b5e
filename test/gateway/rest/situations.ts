/** The situations in which every operation of HTTP is asked, and the requests that are sent. */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { createServer as createHttp2Server, type Http2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, toJson } from "@bufbuild/protobuf";
import { drawSecret, WatchTokens } from "#api/access/watch-tokens";
import { Rotation } from "#api/authority/rotation";
import { Enrolment } from "#api/enrolment/enrolment";
import { Fault } from "#domain/fault";
import { instant, millis } from "#domain/time/time";
import type { Route } from "#gateway/http/router";
import type { HttpHandler } from "#gateway/http/serve";
import type { Recording } from "#gateway/openapi/records";
import type { Documentation } from "#gateway/rest/documentation";
import type { Binding } from "#gateway/rest/http-rule";
import { pathTemplate } from "#gateway/rest/path-template";
import { silentTelemetry } from "#host/silent-telemetry";
import { openAuthority } from "#host/tls/authority";
import { openOwnAuthority } from "#host/tls/own-authority";
import { limits } from "#limits/index";
import { memoryStore } from "#stores/memory/index";
import { runId } from "#testing/rows";
import { type Handed, handOut } from "../kit/credentials.js";
import { type FakePlane, workerView } from "../kit/fake-plane.js";
import { type Opened, open } from "../kit/open.js";
import { nameOf, samples } from "../kit/samples.js";

/** Nothing is looked at: a viewer would wait for the plane. */
const inspection = {
  attach: () => undefined,
  replay: () => ({ begin: () => [], next: () => undefined }),
} as never;

/** Gateways in each state in which one can be asked, all by the same credentials. */
export interface World {
  readonly handed: Handed;
  /** Of all that enrol workers: every one but `plain`. */
  readonly enrolment: Enrolment;
  readonly well: Opened;
  /** Asks nobody for a credential. */
  readonly plain: Opened;
  /** Its plane refuses everything for want of time. */
  readonly overloaded: Opened;
  /** It has begun to stop, behind a server of its host's that goes on. */
  readonly drainingPort: number;
  /** The same over HTTP/2, which streams need. */
  readonly drainingHttp2Port: number;
  close(): Promise<void>;
}

export async function openWorld(): Promise<World> {
  const handed = await handOut(1_700_000_000_000);
  const folder = mkdtempSync(join(tmpdir(), "taskrun-rest-"));
  const { keys, now } = { ...handed };
  const watchTokens = new WatchTokens({
    ...{ secret: drawSecret(), now, requireLive: (caller) => keys.requireLive(caller) },
  });
  const enrolment = await enrolmentIn(folder);
  const settings = { ...handed.settings, watchTokens, enrolment, inspection };
  const [well, overloaded, draining, plain] = await Promise.all([
    ...[open(settings), open(settings), open(settings)],
    open({ inspection }),
  ] as const);
  for (const { plane } of [well, overloaded, plain]) plane.views.push(workerView("w-1"));
  overload(overloaded.plane);
  const host = createServer(draining.gateway.handler());
  const http2Host = createHttp2Server(draining.gateway.handler());
  for (const each of [host, http2Host])
    await new Promise<void>((resolve) => each.listen(0, "127.0.0.1", () => resolve()));
  await draining.gateway.close(1_000);
  return {
    ...{
      handed,
      enrolment,
      well,
      plain,
      overloaded,
      drainingPort: portOf(host),
      drainingHttp2Port: portOf(http2Host),
    },
    close: async () => {
      await Promise.all([
        ...[well, overloaded, plain].map(({ gateway }) => gateway.close(1_000)),
        closed(host),
        new Promise((resolve) => http2Host.close(resolve)),
      ]);
      rmSync(folder, { recursive: true });
    },
  };
}

/** An authority of its own, which enrols workers. */
async function enrolmentIn(folder: string): Promise<Enrolment> {
  const { enrolment: store } = memoryStore();
  if (!store) throw new Error("the memory store keeps it");
  const now = () => instant(Date.now());
  await openAuthority(folder, Date.now());
  const authority = await openOwnAuthority({ folder, now, row: undefined, isShared: false });
  const parts = { store, authority, now, log: silentTelemetry().log };
  const rotation = new Rotation({ ...parts, node: undefined, nodes: async () => [] }, undefined);
  await rotation.adopt();
  return new Enrolment({ ...parts, rotation, life: limits.workerCertificateLife });
}

function portOf(server: Server | Http2Server): number {
  return (server.address() as AddressInfo).port;
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

/** What the plane has to be asked for, as opposed to what it knows. */
const asked = [
  ...["submit", "cancel", "updateDeadLetter", "pause", "resume", "nodes", "signal", "resolve", "register"],
  ...["workers", "drainWorker", "workerAnswers", "absences", "staleness"],
] as const;

function overload(plane: FakePlane): void {
  const refuse = async () => {
    throw new Fault("overloaded", "too much is waiting", { reason: "OVERLOADED", retryAfter: millis(1_000) });
  };
  for (const name of asked) Object.assign(plane, { [name]: refuse });
  for (const part of [plane.reads, plane.reads.deadLetters] as const)
    for (const name of [...Object.keys(part), ...methodsOf(part)])
      if (typeof Reflect.get(part, name) === "function") Object.assign(part, { [name]: refuse });
}

/** The methods of its class, if it is of one. */
function methodsOf(part: object): readonly string[] {
  const prototype: object = Object.getPrototypeOf(part);
  if (prototype === Object.prototype) return [];
  return Object.getOwnPropertyNames(prototype).filter((name) => name !== "constructor");
}

/** What stands in samples for things that are there, and what stands for them in the document. */
const known: Readonly<Record<string, string>> = {
  done: "0199b7a0-6c00-7d4e-8f21-5b1c2e3d4f01",
  "cancel-me": "0199b7a0-6c00-7d4e-8f21-5b1c2e3d4f02",
  failed: "0199b7a0-6c00-7d4e-8f21-5b1c2e3d4f03",
  chain: "0199b7a0-6c00-7d4e-8f21-5b1c2e3d4f04",
  [runId(1)]: "0199b7a0-6c00-7d4e-8f21-5b1c2e3d4f05",
  "w-1": "w-1",
  fulfil: "fulfil",
};

/** A request, in parts. */
export type Asked = Pick<Recording, "path" | "query" | "body">;

/** What is asked of a route if nothing is to be wrong. */
export function rightRequest({ methods, path, documentation, handler }: Route<HttpHandler>): Asked {
  if (!documentation || handler.kind !== "page") throw new Error(`${path} says nothing of itself`);
  if ("rpc" in documentation) return boundRequest(documentation);
  return writtenRequest(path, documentation, methods as readonly string[]);
}

function boundRequest({ rpc, template, body, rule }: Binding): Asked {
  const sample = samples[nameOf(rpc)];
  const said = toJson(rpc.input, create(rpc.input, sample?.request), { useProtoFieldName: true });
  const rest = structuredClone(said) as Record<string, unknown>;
  const path: Record<string, string> = {};
  for (const name of template.variables) path[name] = String(taken(rest, name.split(".")));
  if (body === "whole") return { path, body: rest };
  const whole = body && { body: rest[rule.body] };
  if (body) delete rest[rule.body];
  return { path, query: flat(rest), ...whole };
}

/** Takes a value out of an object, by its path. */
function taken(from: Record<string, unknown>, [first = "", ...more]: readonly string[]): unknown {
  if (more.length > 0) return taken(from[first] as Record<string, unknown>, more);
  const value = from[first];
  delete from[first];
  return value ?? "main";
}

/** A field that is given several times has the first of its values: a query is no list. */
function flat(object: Record<string, unknown>, prefix = ""): Record<string, string> {
  return Object.fromEntries(
    Object.entries(object).flatMap(([name, value]) =>
      Array.isArray(value)
        ? [[`${prefix}${name}`, String(value[0])]]
        : typeof value === "object" && value !== null
          ? Object.entries(flat(value as Record<string, unknown>, `${prefix}${name}.`))
          : [[`${prefix}${name}`, String(value)]],
    ),
  );
}

/** What variables of paths stand for, where no rule says it. */
const variables: Readonly<Record<string, string>> = {
  id: "done",
  uuid: "done",
  task_uuid: "done",
  step: "main",
  namespace: "orders",
  ns: "orders",
  name: "fulfil",
  version: "0.9.0",
};

function writtenRequest(path: string, { request, samples: own }: Documentation, _: readonly string[]): Asked {
  const values = pathTemplate(path).variables.map((name) => [name, own?.[name] ?? variables[name] ?? "done"]);
  return { path: Object.fromEntries(values), ...(request && { body: request.example }) };
}

/** Tasker's ids are all UUIDs, and what is none is refused before it is looked for. */
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const UNKNOWN = "0199b7a0-6c00-7d4e-8f21-5b1c2e3d4fff";

/** The same, of what is not there. */
export function unknownRequest({ path = {}, query = {}, body }: Asked): Asked {
  const text = JSON.stringify({ path, query, body });
  const changed = JSON.parse(text, (_, value: unknown) =>
    typeof value !== "string" ? value : value in known ? "none" : UUID.test(value) ? UNKNOWN : value,
  ) as Asked;
  return changed;
}

/** The same, as the document shows it. */
export function shownText(text: string): string {
  let shown = text;
  for (const [from, to] of Object.entries(known)) shown = shown.replaceAll(`"${from}"`, `"${to}"`);
  return shown.replaceAll(/id-\d{4}/g, "0199b7a0-6c00-7d4e-8f21-5b1c2e3d4f10");
}

export interface Got {
  readonly status: number;
  readonly type: string;
  readonly headers: Headers;
  readonly text: string;
}

/** Sends it, and reads of a stream only its head. */
export async function send(
  port: number,
  method: string,
  template: string,
  { path = {}, query = {}, body }: Asked,
  headers: Readonly<Record<string, string>> = {},
): Promise<Got> {
  const filled = template.replaceAll(/\{([\w.]+)[^}]*\}/g, (_, name: string) =>
    encodeURIComponent(path[name] ?? ""),
  );
  const search = new URLSearchParams(query).toString();
  const sent = body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) };
  const stop = new AbortController();
  const response = await fetch(`http://127.0.0.1:${port}${filled}${search && `?${search}`}`, {
    ...{ method, ...sent, signal: stop.signal },
    headers: { ...(body !== undefined && { "content-type": "application/json" }), ...headers },
  });
  const type = response.headers.get("content-type") ?? "";
  const isStream = type.startsWith("text/event-stream");
  const text = isStream ? "" : await response.text();
  if (isStream) stop.abort();
  return { status: response.status, type, headers: response.headers, text };
}
