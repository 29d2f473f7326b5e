import { parentPort } from "node:worker_threads";
import { invariant } from "#domain/invariant";
import type { JsonObject } from "#domain/json/json";
import type { Verdict } from "#domain/template/verdict";
import { clip } from "#domain/text/text";
import { limits } from "#limits/index";
import { CompiledSchema, notASchema, parseValue, schemaProblem } from "./compile.js";
import { patternEngine } from "./engine.js";
import type { Answer, Question } from "./question.js";

/** The entry of a thread for checks that may take any time or memory; its lane terminates it at its limits. */
invariant(parentPort, "this module is the entry of a thread, not of a program");
const port = parentPort;
const kept = new Map<string, CompiledSchema>();
const engine = await patternEngine();

function answer({ digest, schema, json }: Question): Verdict {
  const compiled = kept.get(digest) ?? compile(JSON.parse(schema) as JsonObject);
  if (!(compiled instanceof CompiledSchema)) return compiled;
  keep(digest, compiled);
  try {
    const value = parseValue(json);
    const verdict = compiled.first(value);
    if (verdict.type !== "misfit" || json.length > limits.schemaSearchedChars) return verdict;
    // The preliminary verdict, in case the search for the others takes too long.
    send({ digest, verdict, last: false });
    return compiled.all(value);
  } catch (error) {
    const why =
      error instanceof RangeError ? "the value leads it deeper than there is room for" : String(error);
    return { type: "limit", text: clip(why, 256) };
  }
}

function compile(schema: JsonObject): CompiledSchema | Verdict {
  try {
    const problem = schemaProblem(schema);
    if (problem) return problem;
    const compiled = new CompiledSchema(schema, engine);
    return endless(compiled) ? notASchema("it refers to itself without end") : compiled;
  } catch (error) {
    if (error instanceof RangeError) return { type: "limit", text: "it lies deeper than there is room for" };
    return notASchema(error);
  }
}

/** True if a schema recurses without end: checking null then overflows the stack. */
function endless(compiled: CompiledSchema): boolean {
  try {
    compiled.first(null);
    return false;
  } catch (error) {
    return error instanceof RangeError;
  }
}

function keep(digest: string, compiled: CompiledSchema): void {
  kept.delete(digest);
  kept.set(digest, compiled);
  for (const oldest of kept.keys()) {
    if (kept.size <= limits.schemasPerThread) break;
    kept.delete(oldest);
  }
}

function send(message: Answer): void {
  port.postMessage(message);
}

// Compiles the meta-schema now, so that its cost is not charged to the first question.
schemaProblem({});
port.on("message", (question: Question) => {
  send({ digest: question.digest, verdict: answer(question), last: true });
});
send("ready");
