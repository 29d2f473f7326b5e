import { type Client, createClient, type Transport } from "@connectrpc/connect";
import type { DeadLetterReason, DeadLetterStatus, SettableStatus } from "#domain/task/dead-letter";
import type { StaleHealth } from "#domain/task/staleness";
import { deadLetterReasonToWire, deadLetterStatusToWire, staleHealthToWire } from "#wire/convert-dead-letter";
import {
  DeadLetterService,
  GetDeadLetterRequestSchema,
  GetDeadLetterStatsRequestSchema,
  ListDeadLettersRequestSchema,
  ListInvestigationQueueRequestSchema,
  ListStalenessRequestSchema,
  RedriveDeadLetterRequestSchema,
  UpdateDeadLetterRequestSchema,
} from "#wire/gen/taskrun/v1/dead_letter_service_pb";
import type { CallControl, Caller } from "./call.js";
import { toTask } from "./convert.js";
import { toDeadLetter, toStaleness, toStats } from "./convert-dead-letter.js";
import type { DeadLetter, DeadLetterStats, TaskStaleness } from "./dead-letter-views.js";
import { namesOf } from "./option-names.js";
import { optionsOf, requestOf, wrongArgument } from "./request.js";
import type { Task } from "./views.js";

/**
 * Which dead letters to list.
 *
 * @example
 * ```ts
 * import { createClient, type DeadLetterFilter } from "taskrun/client";
 *
 * const filter: DeadLetterFilter = { status: "PENDING", reason: "POISONED" };
 * for await (const { taskId } of createClient().deadLetters.list(filter)) console.log(taskId);
 * ```
 */
export interface DeadLetterFilter {
  readonly status?: DeadLetterStatus;
  readonly reason?: DeadLetterReason;
  /** Default: that of the client; without one all that the caller may use. */
  readonly namespace?: string;
  /** Dead letters in a page. Default: left to the server. */
  readonly pageSize?: number;
}

const filterNames = namesOf<DeadLetterFilter>({
  status: true,
  reason: true,
  namespace: true,
  pageSize: true,
});

/**
 * Which Tasks to list that have not ended.
 *
 * @example
 * ```ts
 * import { createClient, type StalenessFilter } from "taskrun/client";
 *
 * const filter: StalenessFilter = { namespace: "default", health: "WARNING" };
 * for await (const { taskId } of createClient().deadLetters.staleness(filter)) console.log(taskId);
 * ```
 */
export interface StalenessFilter {
  readonly health?: StaleHealth;
  /** Default: that of the client; without one all that the caller may use. */
  readonly namespace?: string;
  /** Tasks that are looked at for a page. Default: left to the server. */
  readonly pageSize?: number;
}

const stalenessNames = namesOf<StalenessFilter>({ health: true, namespace: true, pageSize: true });

/**
 * What became of a dead letter. What is left out stays as it is.
 *
 * @example
 * ```ts
 * import { createClient, type DeadLetterUpdate } from "taskrun/client";
 *
 * const update: DeadLetterUpdate = { status: "PERMANENTLY_FAILED", notes: "the city does not exist any more" };
 * await createClient().deadLetters.update("TASK_ID", update);
 * ```
 */
export interface DeadLetterUpdate {
  readonly status?: SettableStatus;
  /** Replaces what was written before. */
  readonly notes?: string;
}

const updateNames = namesOf<DeadLetterUpdate>({ status: true, notes: true });

/**
 * Looks after Tasks that need a person. Reached as `client.deadLetters`. Every method throws `TaskRunError`.
 *
 * @example
 * ```ts
 * import { createClient } from "taskrun/client";
 *
 * const { deadLetters } = createClient();
 * for (const { taskId, reason, snapshot } of await deadLetters.queue()) {
 *   console.log(taskId, reason, snapshot.message);
 * }
 * ```
 */
export class DeadLetters {
  readonly #wire: Client<typeof DeadLetterService>;
  readonly #caller: Caller;
  readonly #namespace: string;

  constructor(transport: Transport, caller: Caller, namespace: string) {
    this.#wire = createClient(DeadLetterService, transport);
    this.#caller = caller;
    this.#namespace = namespace;
  }

  /** Iterates over dead letters, the newest first, reading pages as needed. */
  async *list(filter: DeadLetterFilter = {}, control?: CallControl): AsyncGenerator<DeadLetter, void> {
    const selected = optionsOf(filter, "filter", filterNames);
    const { namespace = this.#namespace, pageSize = 0, status, reason } = selected;
    const asked = {
      namespace,
      pageSize,
      ...(status !== undefined && { status: numberOf("status", status, deadLetterStatusToWire) }),
      ...(reason !== undefined && { reason: numberOf("reason", reason, deadLetterReasonToWire) }),
    };
    let pageToken = "";
    do {
      const request = requestOf(ListDeadLettersRequestSchema, { ...asked, pageToken });
      const page = await this.#caller.once((o) => this.#wire.listDeadLetters(request, o), control);
      for (const letter of page.deadLetters) yield toDeadLetter(letter);
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
  }

  /** Returns the dead letter of a Task, with the chain of causes. */
  async get(taskId: string, control?: CallControl): Promise<DeadLetter> {
    const request = requestOf(GetDeadLetterRequestSchema, { taskId });
    return toDeadLetter(await this.#caller.once((o) => this.#wire.getDeadLetter(request, o), control));
  }

  /** Returns how many there are, by reason. `isComplete` is false if only the newest 100 000 were counted. */
  async stats(
    namespace = this.#namespace,
    control?: CallControl,
  ): Promise<{ readonly stats: readonly DeadLetterStats[]; readonly isComplete: boolean }> {
    const request = requestOf(GetDeadLetterStatsRequestSchema, { namespace });
    const answer = await this.#caller.once((o) => this.#wire.getDeadLetterStats(request, o), control);
    return { stats: answer.stats.map(toStats), isComplete: answer.isComplete };
  }

  /** Returns those that are pending, the most urgent first; at most 100. */
  async queue(
    { namespace = this.#namespace, limit = 0 }: { readonly namespace?: string; readonly limit?: number } = {},
    control?: CallControl,
  ): Promise<readonly DeadLetter[]> {
    const request = requestOf(ListInvestigationQueueRequestSchema, { namespace, limit });
    const answer = await this.#caller.once((o) => this.#wire.listInvestigationQueue(request, o), control);
    return answer.deadLetters.map(toDeadLetter);
  }

  /** Iterates over Tasks that have not ended, the newest first, reading pages as needed. */
  async *staleness(filter: StalenessFilter = {}, control?: CallControl): AsyncGenerator<TaskStaleness, void> {
    const selected = optionsOf(filter, "filter", stalenessNames);
    const { namespace = this.#namespace, pageSize = 0, health } = selected;
    const asked = {
      namespace,
      pageSize,
      ...(health !== undefined && { health: numberOf("health", health, staleHealthToWire) }),
    };
    let pageToken = "";
    do {
      const request = requestOf(ListStalenessRequestSchema, { ...asked, pageToken });
      const page = await this.#caller.once((o) => this.#wire.listStaleness(request, o), control);
      for (const each of page.tasks) yield toStaleness(each);
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
  }

  /** Writes down what became of a dead letter. The same again changes nothing. */
  async update(taskId: string, update: DeadLetterUpdate, control?: CallControl): Promise<DeadLetter> {
    const { status, notes } = optionsOf(update, "update", updateNames);
    const request = requestOf(UpdateDeadLetterRequestSchema, {
      taskId,
      ...(status !== undefined && { status: numberOf("status", status, deadLetterStatusToWire) }),
      ...(notes !== undefined && { notes }),
    });
    return toDeadLetter(await this.#caller.once((o) => this.#wire.updateDeadLetter(request, o), control));
  }

  /**
   * Does the work of a failed Task again, by a new Task, and closes the dead letter. Returns the new Task; of a dead letter for
   * which that was done before the one that was made then.
   */
  async redrive(taskId: string, control?: CallControl): Promise<Task> {
    const request = requestOf(RedriveDeadLetterRequestSchema, { taskId });
    return toTask(await this.#caller.once((o) => this.#wire.redriveDeadLetter(request, o), control));
  }
}

function numberOf<Word extends string>(
  field: string,
  word: Word,
  numbers: Readonly<Record<Word, number>>,
): number {
  if (Object.hasOwn(numbers, word)) return numbers[word];
  throw wrongArgument(field, `is "${String(word)}"; send one of ${Object.keys(numbers).join(", ")}.`);
}
