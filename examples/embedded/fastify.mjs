/**
 * A Fastify service that runs agents itself: a route that awaits a result, one that streams a Task's output as server-sent
 * events, and TaskRun's own protocols under /taskrun. Its Tasks are in `DATA`, by default in the folder `.taskrun`.
 */
import { once } from "node:events";
import fastify from "fastify";
import { startTaskRun } from "taskrun";
import { TaskRunError } from "taskrun/client";
import { summarize } from "./agents.mjs";

const app = fastify({ logger: { level: "warn" } });
const taskrun = await startTaskRun({ data: process.env.DATA, agents: [summarize], log: app.log });
const { tasks } = taskrun.client;

// Before bodies are parsed: TaskRun reads its own.
const handle = taskrun.handler({ prefix: "/taskrun" });
app.addHook("onRequest", async ({ raw }, reply) => {
  if (!raw.url.startsWith("/taskrun/")) return;
  reply.hijack();
  handle(raw, reply.raw);
});

app.setErrorHandler((error, _, reply) => {
  const wrong = error instanceof TaskRunError && error.code === "INVALID_ARGUMENT";
  return reply.code(wrong ? 400 : (error.statusCode ?? 500)).send({ error: error.message });
});

app.post("/summaries", async ({ body }) => tasks.run({ agent: "summarize", input: body }));

app.post("/documents", async ({ body }, reply) => {
  const { id } = await tasks.create({ agent: "summarize", input: body });
  return reply.code(202).send({ id });
});

app.get("/documents/:id/events", async ({ params, headers }, reply) => {
  const gone = new AbortController();
  reply.raw.once("close", () => gone.abort());
  const afterSeq = Number(headers["last-event-id"] ?? 0);
  // What is wrong with the request is answered before the stream begins.
  const events = tasks.watch(params.id, { afterSeq, signal: gone.signal });
  await tasks.get(params.id);
  reply.hijack();
  reply.raw.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  try {
    for await (const event of events) {
      const data =
        event.type === "output"
          ? event.output.content
          : event.type === "task"
            ? event.task.status
            : undefined;
      if (data === undefined) continue;
      const more = reply.raw.write(
        `id: ${event.seq}\nevent: ${event.type}\ndata: ${JSON.stringify(data)}\n\n`,
      );
      if (!more) await once(reply.raw, "drain", { signal: gone.signal }).catch(() => {});
    }
  } finally {
    reply.raw.end();
  }
});

app.addHook("onClose", () => taskrun.stop());
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => void app.close());
console.log(await app.listen({ port: Number(process.env.PORT ?? 3000) }));
