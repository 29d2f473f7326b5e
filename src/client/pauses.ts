import { type Client, createClient, type Transport } from "@connectrpc/connect";
import type { PauseKind } from "#domain/pause/pause";
import { pauseKindFromWire, pauseKindToWire } from "#wire/convert-pause";
import {
  GetPauseRequestSchema,
  ListPausesRequestSchema,
  PauseRequestSchema,
  PauseService,
  ResumeRequestSchema,
  type Pause as WirePause,
} from "#wire/gen/taskrun/v1/pause_service_pb";
import type { CallControl, Caller } from "./call.js";
import { namesOf } from "./option-names.js";
import { instantOf, optionsOf, requestOf, wrongArgument } from "./request.js";

export type { PauseKind } from "#domain/pause/pause";

/**
 * What a pause is of: everything, a namespace, an agent, a template of whichever version, or a Worker.
 *
 * @example
 * ```ts
 * import { createClient, type PauseScope } from "taskrun/client";
 *
 * const scope: PauseScope = { kind: "agent", name: "triage", namespace: "*" };
 * await createClient().pauses.pause(scope, { reason: "bad answers" });
 * ```
 */
export interface PauseScope {
  readonly kind: PauseKind;
  /** The agent, the template or the id of the Worker; nothing of the other kinds. */
  readonly name?: string;
  /** Of a namespace, agent or template; `*` is every namespace, of an agent. Default: the client's. */
  readonly namespace?: string;
  /** Whose Worker it is. Default: the caller, or who has one of this id connected, if the caller may direct it. */
  readonly principal?: string;
}

/**
 * A pause: nothing of its scope is given to Workers.
 *
 * @example
 * ```ts
 * import { createClient, type Pause } from "taskrun/client";
 *
 * const pauses: readonly Pause[] = await createClient().pauses.list();
 * for (const { kind, name, reason, pausedBy } of pauses) console.log(`${kind} ${name}: ${reason} (${pausedBy})`);
 * ```
 */
export interface Pause extends Required<Omit<PauseScope, "kind">> {
  readonly kind: PauseKind | "unspecified";
  readonly reason: string;
  /** When it ends by itself; 0 if only by a resume. */
  readonly untilMs: number;
  readonly pausedBy: string;
  readonly pausedAtMs: number;
}

/**
 * Why something is paused, and until when.
 *
 * @example
 * ```ts
 * import { createClient, type PauseOptions } from "taskrun/client";
 *
 * const options: PauseOptions = { reason: "release", untilMs: Date.now() + 600_000 };
 * await createClient().pauses.pause({ kind: "plane" }, options);
 * ```
 */
export interface PauseOptions {
  /** For people: shown with every Task that waits for it. */
  readonly reason?: string;
  /** Unix milliseconds. Default: until it is resumed. */
  readonly untilMs?: number;
}

const scopeNames = namesOf<PauseScope>({ kind: true, name: true, namespace: true, principal: true });
const optionNames = namesOf<PauseOptions>({ reason: true, untilMs: true });

/**
 * Holds Steps back from Workers, and lets them go again. Reached as `client.pauses`. Every method throws `TaskRunError`.
 *
 * @example
 * ```ts
 * import { createClient } from "taskrun/client";
 *
 * const { pauses } = createClient();
 * await pauses.pause({ kind: "agent", name: "triage" }, { reason: "bad answers" });
 * const { heldRuns } = await pauses.get({ kind: "agent", name: "triage" });
 * console.log(`${heldRuns} runs of it go on`);
 * await pauses.resume({ kind: "agent", name: "triage" });
 * ```
 */
export class Pauses {
  readonly #wire: Client<typeof PauseService>;
  readonly #caller: Caller;
  readonly #namespace: string;

  constructor(transport: Transport, caller: Caller, namespace: string) {
    this.#wire = createClient(PauseService, transport);
    this.#caller = caller;
    this.#namespace = namespace;
  }

  /** Gives nothing of the scope to Workers from now on; in place of an earlier pause of it. What they hold goes on. */
  async pause(scope: PauseScope, options: PauseOptions = {}, control?: CallControl): Promise<Pause> {
    const { reason = "", untilMs } = optionsOf(options, "options", optionNames);
    const until = instantOf(untilMs, "until_ms");
    const request = requestOf(PauseRequestSchema, { scope: this.#scope(scope), reason, untilMs: until });
    return toPause(await this.#caller.once((o) => this.#wire.pause(request, o), control));
  }

  /** Ends the pause of a scope. Returns it; undefined if the server knew of none. */
  async resume(scope: PauseScope, control?: CallControl): Promise<Pause | undefined> {
    const request = requestOf(ResumeRequestSchema, { scope: this.#scope(scope) });
    const { ended } = await this.#caller.once((o) => this.#wire.resume(request, o), control);
    return ended && toPause(ended);
  }

  /** Returns the pause of a scope, if it has one, and how many Runs of it Workers hold. */
  async get(
    scope: PauseScope,
    control?: CallControl,
  ): Promise<{ readonly pause: Pause | undefined; readonly heldRuns: number }> {
    const request = requestOf(GetPauseRequestSchema, { scope: this.#scope(scope) });
    const { pause, heldRuns } = await this.#caller.once((o) => this.#wire.getPause(request, o), control);
    return { pause: pause && toPause(pause), heldRuns };
  }

  /** Returns all pauses that concern the caller, the latest first. */
  async list(control?: CallControl): Promise<readonly Pause[]> {
    const request = requestOf(ListPausesRequestSchema, {});
    const { pauses } = await this.#caller.once((o) => this.#wire.listPauses(request, o), control);
    return pauses.map(toPause);
  }

  #scope(given: PauseScope) {
    const scope = optionsOf(given, "scope", scopeNames);
    const { kind, name = "", namespace = this.#namespace, principal = "" } = scope;
    const number = kind === undefined ? undefined : pauseKindToWire(kind);
    if (number === undefined)
      throw wrongArgument("scope.kind", "is none of plane, namespace, agent, template, worker.");
    return { kind: number, name, namespace, principal };
  }
}

export function toPause({ scope, reason, untilMs, pausedBy, pausedAtMs }: WirePause): Pause {
  const { name = "", namespace = "", principal = "" } = scope ?? {};
  return {
    kind: (scope && pauseKindFromWire(scope.kind)) ?? "unspecified",
    ...{ name, namespace, principal, reason, pausedBy },
    untilMs: Number(untilMs),
    pausedAtMs: Number(pausedAtMs),
  };
}
