import { create, type DescField, type DescMessage, type Message } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import { afterAll, beforeAll, expect, test } from "vitest";
import { KeySchema } from "#wire/gen/taskrun/v1/access_service_pb";
import { AuditEntrySchema } from "#wire/gen/taskrun/v1/audit_service_pb";
import { NodeSchema } from "#wire/gen/taskrun/v1/node_service_pb";
import { PauseSchema } from "#wire/gen/taskrun/v1/pause_service_pb";
import { RunOutputChunkSchema } from "#wire/gen/taskrun/v1/run_service_pb";
import { GetOverviewResponseSchema, TaskEventSchema, TaskSchema } from "#wire/gen/taskrun/v1/task_service_pb";
import { TemplateFindingSchema, TemplateSchema } from "#wire/gen/taskrun/v1/template_service_pb";
import { AgentSchema, WorkerSchema } from "#wire/gen/taskrun/v1/worker_service_pb";
import { Code, type FakePlane, fakePlane } from "../client/fake-plane.js";
import { taskrun } from "./fake-io.js";

/** A title, a colour, a clear screen, eight-bit controls, DEL, a return, reordering marks, a line separator. */
const hostile = "a\u001b]0;t\u0007\u001b[31m\u001b[2J\u009b2J\u0085\u007f\r\u202e\u2066\u200f\u2028z";
const hostileJson = JSON.stringify({ [hostile]: [hostile] });

/** A message of which every text is hostile, and which has one of everything. */
function hostileMessage<Desc extends DescMessage>(schema: Desc, depth = 0): Message {
  const message = create(schema) as Message & Record<string, unknown>;
  for (const field of schema.fields) {
    if (field.oneof) continue;
    message[field.localName] = hostileValue(field, depth) ?? message[field.localName];
  }
  return message;
}

function hostileValue(field: DescField, depth: number): unknown {
  const text = field.name.endsWith("_json") ? hostileJson : hostile;
  if (field.fieldKind === "map") return field.mapKind === "scalar" ? { [hostile]: hostile } : undefined;
  if (field.fieldKind === "list") {
    if (field.listKind === "message") return depth > 2 ? [] : [hostileMessage(field.message, depth + 1)];
    return field.listKind === "scalar" && field.scalar === 9 ? [text] : undefined;
  }
  if (field.fieldKind === "message") return depth > 2 ? undefined : hostileMessage(field.message, depth + 1);
  if (field.fieldKind === "enum") return 2;
  return field.fieldKind === "scalar" && field.scalar === 9 ? text : undefined;
}

const event = (seq: number, body: object) =>
  create(TaskEventSchema, { seq: BigInt(seq), taskId: "t", timestampMs: 1n, event: body as never });

let plane: FakePlane;
let refusing: FakePlane;

beforeAll(async () => {
  const task = () => hostileMessage(TaskSchema) as never;
  const worker = () => hostileMessage(WorkerSchema) as never;
  const key = () => hostileMessage(KeySchema) as never;
  plane = await fakePlane(
    {
      createTask: task,
      getTask: task,
      cancelTask: task,
      retryTask: task,
      signalTask: task,
      resolveStep: task,
      listTasks: () => ({ tasks: [task()] }),
      getOverview: () => hostileMessage(GetOverviewResponseSchema) as never,
      async *watchTask() {
        const bodies = TaskEventSchema.fields.flatMap(({ oneof, message, localName }) =>
          oneof && message ? [{ case: localName, value: hostileMessage(message) }] : [],
        );
        const output = create(RunOutputChunkSchema, { runId: hostile, content: hostile });
        const end = { ...(task() as object), status: 4, state: 10, finishedAtMs: 5n };
        const all = [
          { case: "taskChanged", value: task() },
          ...bodies.filter((body) => body.case !== "taskChanged"),
          { case: "output", value: output },
          { case: "taskChanged", value: end },
        ];
        yield* all.map((body, i) => event(i + 1, body));
      },
    },
    {
      listWorkers: () => ({ workers: [worker()] }),
      getWorker: worker,
      drainWorker: worker,
      listAgents: () => ({ agents: [hostileMessage(AgentSchema) as never] }),
    },
    {
      get: () => hostileMessage(TemplateSchema) as never,
      list: () => ({ templates: [hostileMessage(TemplateSchema) as never] }),
      register: () => ({
        template: hostileMessage(TemplateSchema) as never,
        created: true,
        findings: [hostileMessage(TemplateFindingSchema) as never],
      }),
    },
    { listNodes: () => ({ nodes: [hostileMessage(NodeSchema) as never] }) },
    {
      access: {
        createKey: () => ({ key: key(), text: hostile }),
        rotateKey: () => ({ key: key(), text: hostile }),
        revokeKey: key,
        listKeys: () => ({ keys: [key()] }),
      },
      audit: { listAudit: () => ({ entries: [hostileMessage(AuditEntrySchema) as never] }) },
      pauses: { listPauses: () => ({ pauses: [hostileMessage(PauseSchema) as never] }) },
    },
  );
  const refuse = () => {
    throw new ConnectError(hostile, Code.FailedPrecondition);
  };
  refusing = await fakePlane({ getTask: refuse, listTasks: refuse, createTask: refuse, cancelTask: refuse });
});
afterAll(() => Promise.all([plane[Symbol.asyncDispose](), refusing[Symbol.asyncDispose]()]));

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const controls = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;
/** What the live view of a graph writes itself: up some lines, and clear what is below. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: it begins with one.
const redraw = /\u001b\[\d+A\u001b\[J/g;

const commands = [
  "task list",
  "top --once",
  "task get t",
  "task steps t",
  "task watch t",
  "task create --agent a",
  "task create --agent a --watch",
  "task cancel t",
  "task cancel t u",
  "task retry t",
  "task retry t --watch",
  "task signal t s",
  "task resolve t s --done",
  "task visualize t",
  "worker list",
  "worker get w",
  "worker drain w",
  "node list",
  "agent list",
  "key list",
  "key create --role viewer",
  "key rotate k",
  "audit list",
  "template list",
  "template get n",
];

test.each(commands)("nothing that a server says controls a terminal: %s", async (command) => {
  for (const extra of [[], ["--json"]]) {
    for (const terminal of [0, 1, 40, 80, 300]) {
      const { stdout, stderr } = await taskrun([...command.split(" "), ...extra, "--addr", plane.addr], {
        terminal,
      });
      const shown = `${stdout}${stderr}`.replace(redraw, "");

      expect(shown).not.toMatch(controls);
      expect(shown).toContain("z");
    }
  }
});

test.each(commands)("--json has the same controls as escapes, in a pipe as well: %s", async (command) => {
  const { stdout } = await taskrun([...command.split(" "), "--json", "--addr", plane.addr]);

  expect(stdout).not.toMatch(controls);
  expect(stdout).toContain("\\u001b[31m");
  for (const text of stdout.trimEnd().startsWith("{\n") || stdout.startsWith("[")
    ? [stdout]
    : stdout.trimEnd().split("\n")) {
    expect(JSON.stringify(JSON.parse(text))).toContain(JSON.stringify("\u202e").slice(1, -1));
  }
});

test.each(["key revoke k", "audit export", "audit verify"])(
  "nothing that a server says controls a terminal, of what has no --json: %s",
  async (command) => {
    const { stdout, stderr } = await taskrun([...command.split(" "), "--addr", plane.addr], { terminal: 80 });

    expect(`${stdout}${stderr}`).not.toMatch(controls);
    expect(stdout).toContain("z");
  },
);

test.each(["task list", "task get t", "task create --agent a", "task cancel t", "task cancel t u"])(
  "nothing that a server refuses with controls a terminal: %s",
  async (command) => {
    const { code, stdout, stderr } = await taskrun([...command.split(" "), "--addr", refusing.addr], {
      terminal: 80,
    });

    expect(code).toBe(1);
    expect(`${stdout}${stderr}`).not.toMatch(controls);
  },
);

test.each([
  ["an option", ["task", "list", `--${hostile}`]],
  ["a command", ["task", hostile]],
  ["a value", ["task", "list", "--limit", hostile]],
  ["a command to explain", ["help", hostile]],
  ["an address", ["task", "list", "--addr", hostile]],
  ["a file", ["template", "validate", hostile]],
  ["an input", ["task", "create", "--agent", "a", "--input", hostile]],
  ["an agent", ["worker", "--agent", hostile]],
  ["a module", ["worker", "--module", hostile]],
  ["a setting", ["server", "--lease", hostile]],
  ["a data directory", ["store", "verify", "--data", hostile]],
])("nothing of what is typed comes back as a control: %s", async (_, words) => {
  const { code, stdout, stderr } = await taskrun(words, { terminal: 80 });

  expect(code).not.toBe(0);
  // A line of progress erases itself.
  expect(`${stdout}${stderr}`.replaceAll("\r\u001b[K", "")).not.toMatch(controls);
});
