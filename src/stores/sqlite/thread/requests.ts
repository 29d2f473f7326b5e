import type { EnrolmentRow } from "#domain/access/enrolment";
import type { KeyRow } from "#domain/access/key";
import type { Restoration } from "#domain/incarnation";
import type { Pause } from "#domain/pause/pause";
import type { LocalKeyedKindName, LocalKindName, TextKindName } from "#domain/row-kinds";
import type { Lane } from "#domain/task/lane";
import type { AgentRow } from "#domain/worker/agent";
import type { AuditAppend, AuditEntry, AuditPlace } from "#ports/audit";
import type { UsageSum } from "#ports/usage-sums";
import type { Packed } from "../../shared/pack-log.js";
import type { SqlRow } from "../driver.js";

/*
 * What the two sides of a store say to each other: already down to what is bound, and JSON as SQLite makes it, so
 * that a message is cheap to copy from one thread to the other.
 */

/** Rows of one table: values for its `insert` and for its `update`. */
export interface PackedChanges {
  readonly inserts: readonly SqlRow[];
  readonly updates: readonly SqlRow[];
}

export type CommittedRows = Readonly<Record<LocalKindName, PackedChanges>>;
/** Values of {@link textTables}. */
export type CommittedTexts = Readonly<Record<TextKindName, readonly SqlRow[]>>;

/** A row that is expected at a revision, by its key. */
export interface ExpectedRow {
  readonly kind: LocalKindName;
  readonly key: SqlRow;
  readonly revision: number;
}

export interface CommitRequest extends CommittedRows, CommittedTexts {
  readonly read: readonly ExpectedRow[];
  readonly at: number;
  /** True if a client asks for something that is not there yet: it has to wait while the disk is full. */
  readonly bringsWork: boolean;
  /** Task and Step of a result, and of what it is copied to. */
  readonly copies: readonly (readonly [from: Pair, to: Pair])[];
  readonly templates: readonly SqlRow[];
  readonly log: readonly { readonly taskId: string; readonly packed: readonly Packed[] }[];
  /** Task, Step, kind and instant. */
  readonly deadlines: readonly SqlRow[];
  readonly lanes: readonly SqlRow[];
  readonly lanesRemoved: readonly string[];
  readonly agents: readonly SqlRow[];
  /** Namespace and name. */
  readonly agentsForgotten: readonly SqlRow[];
  /** Values of `pauses`, or key and instant of one to remove. */
  readonly pauses: readonly SqlRow[] | undefined;
  readonly used: readonly UsageSum[] | undefined;
  readonly audit: AuditAppend | undefined;
}

export type Pair = readonly [string, string];
type Triple = readonly [string, string, string];

/** What is wanted by its key, which is one column or more. */
export type Wanted = string | readonly string[];
export type WantedRows = Readonly<Record<LocalKeyedKindName, readonly Wanted[]>>;
export type WantedTexts = Readonly<Record<TextKindName, readonly Wanted[]>>;

export interface LoadRequest extends WantedRows, WantedTexts {
  readonly wholeTasks: readonly string[];
  readonly graphs: readonly string[];
  /** Namespace and key. */
  readonly keys: readonly Pair[];
  /** Namespace, name and version; and without a version where the newest is wanted. */
  readonly templates: readonly Triple[];
  readonly newestTemplates: readonly Pair[];
}

/** Lists of rows, each as one JSON array. */
export type RepliedRows = Readonly<Record<LocalKindName, readonly string[]>>;

/** Texts and templates are values as they lie in the file. */
export interface LoadReply extends RepliedRows, CommittedTexts {
  readonly templates: readonly SqlRow[];
}

export interface BootReply {
  readonly at: number;
  readonly lanes: readonly Lane[];
  /** Rows as one JSON array. */
  readonly held: string;
  /** Namespace and count. */
  readonly waiting: readonly (readonly [string, number])[];
  readonly templates: readonly (readonly [string, number])[];
  readonly agents: readonly AgentRow[];
  readonly pauses: readonly Pause[];
  readonly nextDueAt: number | null;
  readonly restored: Restoration | null;
}

export interface ListRequest {
  /** null is all of them. */
  readonly namespaces: readonly string[] | null;
  /** State and whether it has run, see `stateKey`. */
  readonly statusStates: readonly string[] | null;
  readonly states: readonly string[] | null;
  readonly agentName: string | null;
  readonly labels: readonly Pair[];
  /** What occurs in the JSON of the spec. */
  readonly specTexts: readonly string[];
  /** No id is below it; null if that is open. */
  readonly from: string | null;
  /** All ids are below it; null if that is open. */
  readonly below: string | null;
  readonly pageSize: number;
  readonly scannedRows: number;
}

/** Rows as JSON. */
export interface ListReply {
  readonly tasks: string;
  /** The id before which the next page starts; null on the last page. */
  readonly next: string | null;
}

export interface QueuesRequest {
  readonly lanes: readonly string[];
  readonly counted: number;
  readonly first: number;
}

/** Of one lane, in the order of the request. */
export interface QueueReply {
  readonly waiting: number;
  readonly first: readonly string[];
}

export interface LatelyRequest {
  /** The beginning of the first id. */
  readonly from: string;
  readonly since: number;
  readonly rows: number;
}

/** One row more than was asked for of each, if there is one. */
export interface LatelyReply {
  /** Namespaces. */
  readonly created: readonly string[];
  /** Namespaces and states. */
  readonly ended: readonly Pair[];
}

export interface LastFailedRequest {
  /** Null for all. */
  readonly namespaces: readonly string[] | null;
  readonly rows: number;
  readonly most: number;
}

export interface TemplateListRequest {
  /** null is all of them; otherwise in order, each once. */
  readonly namespaces: readonly string[] | null;
  readonly name: string | null;
  readonly after: { readonly namespace: string; readonly name: string; readonly versionKey: string } | null;
  readonly pageSize: number;
  readonly maxBytes: number;
}

/** Rows as their values lie in the file. */
export interface TemplateListReply {
  readonly templates: readonly SqlRow[];
  /** Namespace, name and version after which the next page starts; null on the last page. */
  readonly next: Triple | null;
}

export interface DetailRequest {
  readonly id: string;
  /** Null for all. */
  readonly namespaces: readonly string[] | null;
}

/** Rows as JSON; the input is JSON in itself. */
export interface DetailReply {
  readonly task: string;
  readonly input: string;
  readonly steps: string;
  readonly runs: string;
}

export interface LogReply {
  /** The seq of the first line of the first row. */
  readonly firstSeq: number;
  /** Packed rows, each a JSON array of lines. */
  readonly rows: readonly string[];
}

export interface DeadLetterListRequest {
  /** Null for all. */
  readonly namespaces: readonly string[] | null;
  readonly statuses: readonly string[] | null;
  readonly reason: string | null;
  readonly after: { readonly createdAt: number; readonly taskId: string } | null;
  readonly pageSize: number;
}

/** Rows as one JSON array. */
export interface DeadLetterListReply {
  readonly letters: string;
  readonly next: { readonly createdAt: number; readonly taskId: string } | null;
}

/** Reason, status, how many, the oldest, the newest, and after how long they were closed, together. */
export type DeadLetterCountReply = readonly (readonly [string, string, number, number, number, number])[];

export interface KeysPut {
  readonly rows: readonly KeyRow[];
  readonly audit: AuditAppend | undefined;
}

export interface EnrolmentPut {
  readonly rows: readonly EnrolmentRow[];
  readonly audit: AuditAppend | undefined;
}

export interface OutputPut {
  readonly writer: string;
  readonly day: number;
  /** Namespace and bytes. */
  readonly bytes: readonly (readonly [string, number])[];
}

export interface AuditPage {
  readonly after: AuditPlace | undefined;
  readonly limit: number;
  readonly chain: string | undefined;
}

export interface AuditLatest {
  readonly before: Pick<AuditEntry, "at" | "chain" | "seq"> | undefined;
  readonly limit: number;
}
