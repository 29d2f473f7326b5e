/**
 * Namespaces are walls: what is in one that a caller may not use is answered exactly as what does not exist, in every field of
 * every request that can name something. The fields come from the descriptors: a new one fails here until it says what it names.
 */
import { type DescField, type DescMessage, type DescMethod, ScalarType } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  toAgentToken,
  toDeadLetterToken,
  toPageToken,
  toSeqToken,
  toTemplateToken,
  toTimeToken,
} from "#api/page-token";
import { toUsageToken } from "#api/usage/page-token";
import { instant } from "#domain/time/time";
import { services } from "#gateway/handlers/index";
import { fields, type Named } from "./fields.js";
import { askAs, type Belongings, blind, furnish, openWorld, type World } from "./world.js";

const methods: readonly DescMethod[] = services
  .filter(({ typeName }) => typeName.startsWith("taskrun."))
  .flatMap((service) => service.methods);

interface TextField {
  /** The names of the fields that lead to it, as messages of this library have them. */
  readonly path: readonly DescField[];
  readonly name: string;
}

function textFields(message: DescMessage, path: readonly DescField[] = []): TextField[] {
  if (path.some((field) => field.message === message && field !== path.at(-1))) return [];
  return message.fields.flatMap((field) => {
    const isText =
      (field.fieldKind === "scalar" || (field.fieldKind === "list" && field.listKind === "scalar")) &&
      field.scalar === ScalarType.STRING;
    if (isText) return [{ path: [...path, field], name: `${message.name}.${field.name}` }];
    return field.message ? textFields(field.message, [...path, field]) : [];
  });
}

const texts = methods.flatMap((method) => textFields(method.input).map((text) => ({ method, ...text })));

test("every text of a request says what it names", () => {
  expect(Object.keys(fields).toSorted()).toEqual([...new Set(texts.map(({ name }) => name))].toSorted());
});

let world: World;
let theirs: Belongings;
let mine: Belongings;

beforeAll(async () => {
  world = await openWorld();
  theirs = await furnish(world, "theirs");
  mine = await furnish(world, "mine");
});
afterAll(() => world.stop());

/** The rest of a request, so that all that is left to refuse is what it names. More than one where the rest matters. */
const rests: Readonly<Record<string, readonly object[]>> = {
  CreateTask: [{ inputJson: "{}" }],
  RunTask: [{ task: { inputJson: "{}" }, waitMs: 1n }],
  BatchCreateTasks: [{ tasks: [{ inputJson: "{}" }] }],
  WatchTask: [{}, { afterSeq: 1n }, { afterSeq: 999n }],
  GetStepResult: [{ stepName: "main" }, { stepName: "ask" }, { stepName: "none" }],
  SignalTask: [
    { signal: "approve", payloadJson: "1" },
    { signal: "none", payloadJson: "1" },
  ],
  ResolveStep: [
    { stepName: "main", action: 1 },
    { stepName: "main", action: 2 },
    { stepName: "main", action: 3, resultJson: "1" },
    { stepName: "none", action: 1 },
    { action: 2 },
  ],
  TopUpTask: [{}, { add: { tokens: 5n } }, { add: { tokens: 5n }, requestId: "r-1" }],
  WaitTask: [{ waitMs: 1n }],
  UpdateDeadLetter: [{ status: 3 }, { notes: "found out" }],
  RetryTask: [{}, { idempotencyKey: "again" }],
  GetRunInput: [{ fence: 1 }, { fence: 9 }],
  GetJournal: [{ fence: 1 }, { fence: 9 }],
  Register: [
    { source: "name: x\nnamespace_name: mine\nversion: 1.0.0\nsteps: [{name: s, handler: {callable: a}}]\n" },
  ],
  CreateKey: [{ name: "k", role: "viewer" }],
  ListTasks: [{}, { pageSize: 1 }],
};

/** What there is of theirs under such a name, each beside one of nothing. As long as each other, and of the same letters. */
function pairs(named: Named): readonly (readonly [string, string])[] {
  const unknown = (id: string) => `${id.slice(0, -4)}${id.slice(-4) === "0000" ? "1111" : "0000"}`;
  const beside = (ids: readonly string[]) => ids.map((id) => [id, unknown(id)] as const);
  switch (named) {
    case "task":
      return beside(Object.values(theirs.tasks));
    case "letter":
      return beside([theirs.tasks.failed, theirs.tasks.ended]);
    case "run":
      return beside(Object.values(theirs.runs));
    case "worker":
      return beside([theirs.worker]);
    case "key":
      return beside([theirs.key]);
    case "agent":
      return beside([theirs.agent]);
    case "namespace":
      return [["theirs", "nobody"]];
    case "idempotency":
      return beside([theirs.idempotencyKey]);
    default:
      return [];
  }
}

/** The request with a text at a place in it. */
function withText(
  rest: object,
  [field, ...more]: readonly DescField[],
  value: unknown,
): Record<string, unknown> {
  if (!field) throw new Error("a path leads somewhere");
  const name = field.localName;
  const before = (rest as Record<string, unknown>)[name];
  if (more.length === 0) return { ...rest, [name]: field.fieldKind === "list" ? [value] : value };
  const inner = field.fieldKind === "list" ? ((before as object[] | undefined)?.[0] ?? {}) : (before ?? {});
  const made = withText(inner as object, more, value);
  return { ...rest, [name]: field.fieldKind === "list" ? [made] : made };
}

const naming = texts.filter(
  ({ name }) => !["words", "report", "template", "token"].includes(fields[name] ?? "words"),
);

describe.each(
  naming.map((text) => [`${text.method.name} ${text.path.map(({ name }) => name).join(".")}`, text] as const),
)("%s", (_, { method, path, name }) => {
  test("answers of theirs as of nothing", async () => {
    for (const rest of rests[method.name] ?? [{}]) {
      for (const [foreign, unknown] of pairs(fields[name] as Named)) {
        const of = async (value: string) =>
          blind(await askAs(world, "mine", method, withText(rest, path, value)), value);
        const nothing = await of(unknown);
        expect(await of(foreign), `${JSON.stringify(rest, shown)} ${foreign}`).toBe(nothing);
      }
    }
  });
});

const shown = (_: string, value: unknown) => (typeof value === "bigint" ? String(value) : value);

test("the samples reach what they name: of one's own the answers are others", async () => {
  const ids = {
    task: mine.tasks.ended,
    letter: mine.tasks.failed,
    run: mine.runs.running,
    worker: mine.worker,
    key: mine.key,
  } as const;
  for (const { method, path, name } of naming) {
    const id = ids[fields[name] as keyof typeof ids];
    if (id === undefined || method.name === "ListTasks") continue;
    const outcomes = await Promise.all(
      (rests[method.name] ?? [{}]).map((rest) => askAs(world, "mine", method, withText(rest, path, id))),
    );
    const codes = outcomes.map(({ error }) => (error as { code?: number } | undefined)?.code);
    const found = codes.some((code) => code !== 5);
    expect(found, `${method.name} ${JSON.stringify(outcomes)}`).toBe(true);
  }
});

describe("a template", () => {
  const naming = [
    ["CreateTask", (template: object) => ({ template, inputJson: "{}" })],
    ["RunTask", (template: object) => ({ task: { template, inputJson: "{}" }, waitMs: 1n })],
    ["BatchCreateTasks", (template: object) => ({ tasks: [{ template, inputJson: "{}" }] })],
    ["Get", (template: object) => ({ template })],
  ] as const;

  test.each(naming)("of theirs is answered as none by %s", async (name, request) => {
    const method = methods.find((each) => each.name === name) as DescMethod;
    for (const version of ["", "1.0.0", "9.9.9"]) {
      const of = async (namespace: string, template: string) =>
        blind(
          await askAs(world, "mine", method, request({ namespace, name: template, version })),
          `${namespace}/${template}`,
        );
      expect(await of("theirs", theirs.template)).toBe(await of("theirs", "nothing1"));
      expect(await of("theirs", theirs.template)).toBe(await of("nobody", theirs.template));
    }
  });

  test("is not in lists", async () => {
    const list = methods.find((each) => each.name === "List") as DescMethod;
    for (const rest of [{}, { pageSize: 1 }, { namespace: "mine" }]) {
      const { answer } = await askAs(world, "mine", list, rest);
      expect(answer).toContain("mine");
      expect(answer).not.toContain("theirs");
    }
    const of = (namespace: string) => askAs(world, "mine", list, { namespace, name: theirs.template });
    expect(await of("theirs")).toEqual(await of("nobody"));
  });
});

describe("a page token", () => {
  const tokens = {
    ListTasks: () =>
      pairs("task").map(([a, b]) => [toPageToken(a as never), toPageToken(b as never)] as const),
    ListDeadLetters: () =>
      pairs("task").map(([a, b]) => {
        const of = (id: string) => toDeadLetterToken({ createdAt: 9e14, taskId: id as never });
        return [of(a), of(b)] as const;
      }),
    ListStaleness: () =>
      pairs("task").map(([a, b]) => [toPageToken(a as never), toPageToken(b as never)] as const),
    ListAgents: () => [
      [
        toAgentToken({ name: theirs.agent, namespace: "theirs" }),
        toAgentToken({ name: theirs.agent, namespace: "theirz" }),
      ] as const,
    ],
    BulkTasks: () =>
      pairs("task").map(([a, b]) => [toPageToken(a as never), toPageToken(b as never)] as const),
    // A place in time, which is nobody's.
    GetStepAudit: () => [
      [toTimeToken({ at: instant(1), count: 1 }), toTimeToken({ at: instant(2), count: 0 })] as const,
    ],
    GetUsage: () =>
      ["theirs", "nobody"].map((namespace) => {
        const place = { dayMs: instant(0), namespace, agentName: theirs.agent, model: "m" };
        return [toUsageToken(place), toUsageToken({ ...place, model: "n" })] as const;
      }),
    // A number.
    GetStepJournal: () => [[toSeqToken(1), toSeqToken(2)] as const],
    List: () => [
      [
        toTemplateToken({ namespace: "theirs", name: theirs.template, version: "1.0.0" }),
        toTemplateToken({ namespace: "theirs", name: "approvam", version: "1.0.0" }),
      ] as const,
    ],
  } as const;

  test("is tested for every list that has one", () => {
    const lists = texts.filter(({ name }) => fields[name] === "token").map(({ method }) => method.name);
    expect([...new Set(lists)].toSorted()).toEqual(Object.keys(tokens).toSorted());
  });

  test.each(Object.keys(tokens) as (keyof typeof tokens)[])(
    "of theirs leads %s as far as one of nothing",
    async (name) => {
      const method = methods.find((each) => each.name === name) as DescMethod;
      for (const [foreign, unknown] of tokens[name]()) {
        const of = async (pageToken: string) =>
          blind(await askAs(world, "mine", method, { pageToken, pageSize: 2 }), pageToken);
        expect(await of(foreign)).toBe(await of(unknown));
        expect(await of(foreign)).not.toMatch(OWNED);
      }
    },
  );
});

/** What says that something is of that namespace, or of its worker; a Task may name any agent. */
const OWNED = /(namespace|namespaces|workerId|createdBy)[^,]*theirs/;

/** Not those of the whole server, which are for who may use all namespaces, or of its authority, which is not here. */
const isListOfNamespaces = (name: string) =>
  name.startsWith("List") && !["ListNodes", "ListAudit", "ListEnrolledWorkers"].includes(name);

test("lists without a filter show nothing of theirs", async () => {
  for (const method of methods.filter(({ name }) => isListOfNamespaces(name))) {
    const outcome = JSON.stringify(await askAs(world, "mine", method, {}));
    expect(outcome, method.name).not.toMatch(OWNED);
    for (const id of Object.values(theirs.tasks)) expect(outcome, method.name).not.toContain(id);
    // By now what was pending has been dealt with, by the tests above.
    if (method.name !== "ListInvestigationQueue") expect(outcome, method.name).toContain("mine");
  }
});

test("events of a Task of theirs are answered as of none", async () => {
  const get = async (id: string, query: string, accept: string) => {
    world.reads.length = 0;
    const url = `http://127.0.0.1:${world.httpPort}/v1/tasks/${id}/events${query}`;
    const response = await fetch(url, { headers: { "x-who": "mine", accept } });
    const headers = [...response.headers].filter(([name]) => name !== "date");
    return blind({ status: response.status, headers, body: await response.text(), reads: world.reads }, id);
  };
  for (const [foreign, unknown] of pairs("task")) {
    for (const accept of ["text/event-stream", "application/json"])
      for (const query of ["", "?after=1", "?after=999"])
        expect(await get(foreign, query, accept)).toBe(await get(unknown, query, accept));
  }
});
