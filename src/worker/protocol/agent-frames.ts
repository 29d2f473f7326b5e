import type { MessageInitShape } from "@bufbuild/protobuf";
import { tooDeepAt } from "#domain/json/depth";
import type { JsonObject } from "#domain/json/json";
import { utf8Bytes } from "#domain/text/text";
import { limits } from "#limits/index";
import type { Log } from "#ports/telemetry";
import type { AgentRetrySchema, AgentSpecSchema } from "#wire/gen/taskrun/v1/common_pb";
import type { AgentRetry } from "../agent/policies.js";
import type { ServedAgent } from "../agent/served-agent.js";
import { backendFrame } from "./frames.js";

/**
 * The agents as the hello announces them, with their policies and the JSON Schemas of their inputs. A schema that the hello
 * cannot carry is left out, and the log says so: the agent checks its input itself.
 */
export function agentFrames(
  agents: readonly ServedAgent[],
  log: Log,
): MessageInitShape<typeof AgentSpecSchema>[] {
  let room: number = limits.helloSchemaBytes;
  return agents.map(
    ({ name, description, labels, backends, retry, timeoutMs = 0, concurrency = 0, ...agent }) => {
      const { text = "", problem } = agent.inputSchema ? schemaText(agent.inputSchema, room) : {};
      if (problem !== undefined) {
        log.warn("the input schema of an agent is not announced", { agent: name, problem });
      }
      room -= utf8Bytes(text);
      return {
        name,
        description,
        labels,
        backends: backends.map(backendFrame),
        ...(retry && { retry: retryFrame(retry) }),
        timeoutMs: BigInt(timeoutMs),
        concurrency,
        inputSchemaJson: text,
      };
    },
  );
}

function retryFrame({
  attempts = 0,
  backoff,
  baseMs,
  maxMs,
  only = [],
}: AgentRetry): MessageInitShape<typeof AgentRetrySchema> {
  return {
    attempts,
    backoff: backoff ?? "",
    ...(baseMs !== undefined && { baseMs: BigInt(baseMs) }),
    ...(maxMs !== undefined && { maxMs: BigInt(maxMs) }),
    only: [...only],
  };
}

/** @param room how many bytes the schemas of the hello may still have */
function schemaText(schema: JsonObject, room: number): { readonly text?: string; readonly problem?: string } {
  let text: string;
  try {
    text = JSON.stringify(schema);
  } catch (error) {
    return { problem: (error as Error).message };
  }
  const bytes = utf8Bytes(text);
  if (bytes > limits.agentSchemaBytes) {
    return { problem: `it is ${bytes} bytes long; the limit is ${limits.agentSchemaBytes} bytes` };
  }
  if (bytes > room) {
    return { problem: `the schemas of all agents have at most ${limits.helloSchemaBytes} bytes together` };
  }
  const tooDeep = tooDeepAt(text, limits.jsonDepth) !== undefined;
  return tooDeep ? { problem: `it is nested deeper than ${limits.jsonDepth} levels` } : { text };
}
