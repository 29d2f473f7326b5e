import type { TaskId } from "#domain/id";
import {
  forKinds,
  type KeyedKindName,
  type Revisioned,
  type RowKindName,
  type RowOf,
  rowKind,
  rowKindNames,
  singleKindNames,
  type TextKindName,
  type TextRow,
  textId,
  textKindNames,
} from "#domain/row-kinds";
import type { Commit, Loaded, ResultCopy, RowsToCommit, TextsToCommit } from "#ports/store-turns";
import type { Journal } from "./journal.js";

type ChangedRows = { readonly [Name in RowKindName]: Map<string, RowOf<Name>> };
type NewTexts = { readonly [Kind in TextKindName]: Map<string, TextRow> };

/** Kinds of rows that are not part of a Task's graph. */
export type SingleKindName = Exclude<KeyedKindName, "steps" | "runs">;

/**
 * The part of the workspace that is the same for every kind of row: changed rows that go into the commit, texts, and
 * rows that are not part of a Task's graph. Every change goes through the journal.
 */
export class RowChanges {
  readonly #journal: Journal;
  /** Rows for the commit. Their revision is still the stored one; {@link toCommit} counts it up. */
  readonly #changed = forKinds<ChangedRows>(rowKindNames, () => new Map());
  readonly #newTexts = forKinds<NewTexts>(textKindNames, () => new Map());
  readonly #copies: ResultCopy[] = [];
  readonly #singles = new Map(singleKindNames.map((name) => [name, new Map<string, Revisioned>()]));
  /** Texts that the turn has loaded or written, by {@link textId}. */
  readonly texts = forKinds<Record<TextKindName, Map<string, string>>>(textKindNames, () => new Map());

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /** Adds what the store has answered. A row or text that is already present is kept: it may be newer. */
  take(loaded: Loaded): void {
    for (const [name, known] of this.#singles) {
      const { idOf } = rowKind(name);
      for (const row of loaded[name]) if (!known.has(idOf(row))) known.set(idOf(row), row);
    }
    for (const kind of textKindNames) {
      const known = this.texts[kind];
      for (const [id, json] of loaded[kind]) if (!known.has(id)) known.set(id, json);
    }
  }

  /** Puts the row into the commit, in place of an earlier version of it. */
  changed<Name extends RowKindName>(name: Name, id: string, row: RowOf<Name>): void {
    this.#journal.set<string, Revisioned>(this.#changed[name], id, row);
  }

  /** The rows of a kind that go into the commit. */
  changedOf<Name extends RowKindName>(name: Name): Iterable<RowOf<Name>> {
    return this.#changed[name].values() as Iterable<RowOf<Name>>;
  }

  /** True if the row goes into the commit. */
  writes(name: RowKindName, id: string): boolean {
    return this.#changed[name].has(id);
  }

  single<Name extends SingleKindName>(name: Name, id: string): RowOf<Name> | undefined {
    return this.#singles.get(name)?.get(id) as RowOf<Name> | undefined;
  }

  putSingle<Name extends SingleKindName>(name: Name, row: RowOf<Name>): void {
    const id = rowKind(name).idOf(row);
    const rows = this.#singles.get(name);
    if (rows) this.#journal.set<string, Revisioned>(rows, id, row);
    this.changed(name, id, row);
  }

  /** Puts a text into the commit, in place of an earlier one. */
  keepText<Kind extends TextKindName>(kind: Kind, text: TextRow<Kind>): void {
    const id = textId(text);
    this.#journal.set<string, TextRow>(this.#newTexts[kind], id, text);
    this.#journal.set(this.texts[kind], id, text.json);
  }

  /** What a new Task begins with: its input, and results of another one, which the store copies. */
  begin(input: TextRow<"inputs">, copies: readonly ResultCopy[]): void {
    this.keepText("inputs", input);
    for (const copy of copies) this.#journal.push(this.#copies, copy);
  }

  /** Forgets a row that was loaded and not changed; of the other kinds nothing. */
  forgetSingle(name: RowKindName, id: string): void {
    if (!this.writes(name, id)) this.#singles.get(name)?.delete(id);
  }

  /** Forgets the texts of a Task that were loaded, so that they are loaded again. */
  forgetTexts(taskId: TaskId): void {
    for (const kind of textKindNames) {
      for (const id of this.texts[kind].keys()) {
        const isOf = id === taskId || id.startsWith(`${taskId}/`);
        if (isOf && !this.#newTexts[kind].has(id)) this.texts[kind].delete(id);
      }
    }
  }

  /** How many rows go into the commit. Texts are not counted, as each belongs to a row. */
  get size(): number {
    let sum = 0;
    for (const name of rowKindNames) sum += this.#changed[name].size;
    return sum;
  }

  /** Rows and texts of each kind for the commit, with revisions counted up. */
  toCommit(): RowsToCommit & TextsToCommit & Pick<Commit, "copies"> {
    const rowsOf = (name: RowKindName) => {
      const changed: ReadonlyMap<string, Revisioned> = this.#changed[name];
      return Array.from(changed.values(), revised);
    };
    return {
      ...forKinds<RowsToCommit>(rowKindNames, rowsOf),
      ...forKinds<TextsToCommit>(textKindNames, (kind) => [...this.#newTexts[kind].values()]),
      ...(this.#copies.length > 0 && { copies: this.#copies }),
    };
  }
}

/** The row with its revision counted up, which is done only for a commit. Of a copy, to set a field costs less than to define it anew. */
function revised<Row extends Revisioned>(row: Row): Row {
  const copy: { -readonly [Field in keyof Row]: Row[Field] } = { ...row };
  copy.revision = row.revision + 1;
  return copy;
}
