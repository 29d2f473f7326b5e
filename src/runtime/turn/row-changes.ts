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
import type { Loaded, RowsToCommit, TextsToCommit } from "#ports/store-turns";
import type { Journal } from "../memory/journal.js";

type ChangedRows = { readonly [Name in RowKindName]: Map<string, RowOf<Name>> };
type NewTexts = { readonly [Kind in TextKindName]: Map<string, TextRow> };

/** Kinds whose rows are not of a Task's graph. */
export type SingleKindName = Exclude<KeyedKindName, "steps" | "runs">;

/**
 * The part of a turn that is the same for every kind of row: what has changed and goes into the commit, the texts, and
 * the rows that are not of a Task's graph. Every change goes through the journal.
 */
export class RowChanges {
  readonly #journal: Journal;
  /** As the commit will have them, but for their revision, which is still the stored one. */
  readonly #changed = forKinds<ChangedRows>(rowKindNames, () => new Map());
  readonly #newTexts = forKinds<NewTexts>(textKindNames, () => new Map());
  readonly #singles = new Map(singleKindNames.map((name) => [name, new Map<string, Revisioned>()]));
  /** Texts that the turn has seen, by {@link textId}. */
  readonly texts = forKinds<Record<TextKindName, Map<string, string>>>(textKindNames, () => new Map());

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /** Takes in what the store has answered; what the turn has seen already is newer here and stays. */
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

  /** The row goes into the commit, in place of what it has of the row so far. */
  changed<Name extends RowKindName>(name: Name, id: string, row: RowOf<Name>): void {
    this.#journal.set<string, Revisioned>(this.#changed[name], id, row);
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

  /** A later text replaces an earlier one. */
  keepText<Kind extends TextKindName>(kind: Kind, text: TextRow<Kind>): void {
    const id = textId(text);
    this.#journal.set<string, TextRow>(this.#newTexts[kind], id, text);
    this.#journal.set(this.texts[kind], id, text.json);
  }

  /** How many rows go into the commit, less the texts: those come with a row. */
  get size(): number {
    let sum = 0;
    for (const name of rowKindNames) sum += this.#changed[name].size;
    return sum;
  }

  /** What the commit has of each kind. */
  toCommit(): RowsToCommit & TextsToCommit {
    const rowsOf = (name: RowKindName) => {
      const changed: ReadonlyMap<string, Revisioned> = this.#changed[name];
      return Array.from(changed.values(), revised);
    };
    return {
      ...forKinds<RowsToCommit>(rowKindNames, rowsOf),
      ...forKinds<TextsToCommit>(textKindNames, (kind) => [...this.#newTexts[kind].values()]),
    };
  }
}

/** The row as it is stored next: nothing but a commit counts revisions. */
function revised<Row extends Revisioned>(row: Row): Row {
  return { ...row, revision: row.revision + 1 };
}
