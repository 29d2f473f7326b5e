import type { NodeId, RunId, SessionId, TaskId } from "#domain/id";
import { instant } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Wake } from "#ports/broker";

/**
 * Wakes as text: a JSON list that begins with the number of this form and with who sends it. Each wake is a list that begins
 * with a letter. A form or letter that is not known is passed over, because servers of two releases may share a store.
 */
const FORM = 1;

/** A wake, and in its place `gap`: that some were dropped. */
type Said = readonly [string, ...(string | number)[]];
const GAP: Said = ["g"];

export interface Heard {
  readonly from: string;
  readonly wakes: readonly Wake[];
  readonly gap: boolean;
}

/** The wakes in payloads of at most `limits.wakeBytes` each. */
export function payloadsOf(from: string, wakes: readonly Wake[], missed: boolean): string[] {
  const head = `[${FORM},${JSON.stringify(from)}`;
  const payloads: string[] = [];
  let payload = head;
  let bytes = Buffer.byteLength(head);
  const said = wakes.map((wake) => textOf(saidOf(wake)));
  for (const text of missed ? [JSON.stringify(GAP), ...said] : said) {
    const more = Buffer.byteLength(text) + 1;
    if (bytes + more + 1 > limits.wakeBytes) {
      payloads.push(`${payload}]`);
      payload = head;
      bytes = Buffer.byteLength(head);
    }
    payload += `,${text}`;
    bytes += more;
  }
  if (payload !== head) payloads.push(`${payload}]`);
  return payloads;
}

/** What a payload says; undefined if it is none of ours. */
export function heardIn(payload: string): Heard | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(payload);
  } catch {
    return undefined;
  }
  if (!Array.isArray(parsed)) return undefined;
  const [form, from, ...said] = parsed as unknown[];
  if (typeof from !== "string") return undefined;
  // Of a later form only that something has happened is understood.
  if (form !== FORM) return { from, wakes: [], gap: true };
  const wakes = said.map((each) => (Array.isArray(each) ? wakeOf(each as unknown[]) : undefined));
  const gap = said.some((each) => Array.isArray(each) && each[0] === GAP[0]);
  return { from, wakes: wakes.filter((wake) => wake !== undefined), gap };
}

/** As JSON. What does not fit into a payload by itself becomes a gap. */
function textOf(said: Said): string {
  const text = JSON.stringify(said);
  return Buffer.byteLength(text) > limits.wakeBytes / 2 ? JSON.stringify(GAP) : text;
}

function saidOf(wake: Wake): Said {
  switch (wake.type) {
    case "log":
      return ["l", wake.taskId, wake.lastSeq, wake.ended ? 1 : 0];
    case "ready":
      return ["r", Buffer.byteLength(wake.lane) > limits.wakeLaneBytes ? "" : wake.lane];
    case "run":
      return ["u", wake.node, wake.runId];
    case "worker":
      return ["w", wake.node, wake.session];
    case "due":
      return ["d", wake.at];
    case "template":
      return ["t", wake.namespace, wake.name];
    case "agents":
      return ["a"];
    case "pauses":
      return ["p"];
    case "node":
      return ["n"];
    case "credentials":
      return ["k"];
  }
}

function wakeOf([letter, first, second, third]: readonly unknown[]): Wake | undefined {
  const texts = typeof first === "string" && typeof second === "string";
  switch (letter) {
    case "l":
      if (typeof first !== "string" || !isCount(second)) return undefined;
      return { type: "log", taskId: first as TaskId, lastSeq: second, ended: third === 1 };
    case "r":
      return typeof first === "string" ? { type: "ready", lane: first } : undefined;
    case "u":
      return texts ? { type: "run", node: first as NodeId, runId: second as RunId } : undefined;
    case "w":
      return texts ? { type: "worker", node: first as NodeId, session: second as SessionId } : undefined;
    case "d":
      return isCount(first) ? { type: "due", at: instant(first) } : undefined;
    case "t":
      return texts ? { type: "template", namespace: first, name: second } : undefined;
    case "a":
      return { type: "agents" };
    case "p":
      return { type: "pauses" };
    case "n":
      return { type: "node" };
    case "k":
      return { type: "credentials" };
    default:
      return undefined;
  }
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
