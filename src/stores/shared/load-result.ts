import {
  forKinds,
  type Revisioned,
  type RowKindName,
  type RowOf,
  rowKind,
  rowKindNames,
  type TextKindName,
  textKindNames,
} from "#domain/row-kinds";
import { type TemplateRow, templateKey } from "#domain/template/template";
import type { Loaded, LoadedRows, LoadedTexts } from "#ports/store-turns";

type FoundRows = { readonly [Name in RowKindName]: Map<string, RowOf<Name>> };

/** An answer to the needs of a turn while it is being built: rows and texts by their ids. */
export interface LoadResult extends FoundRows, Readonly<Record<TextKindName, Map<string, string>>> {
  readonly templates: Map<string, TemplateRow>;
}

/** An empty answer to fill. */
export function nothingFound(): LoadResult {
  return {
    ...forKinds<FoundRows>(rowKindNames, () => new Map()),
    ...forKinds<Record<TextKindName, Map<string, string>>>(textKindNames, () => new Map()),
    templates: new Map(),
  };
}

/**
 * Merges what the cache and the store have found. A row in both is taken from the cache, which is newer unless other processes
 * write the store, in the store's position, where all Steps of a graph are in order.
 *
 * @param shared true if they do: then the row of the higher revision is taken
 */
export function loadedOf(here: LoadResult, there?: Loaded, shared = false): Loaded {
  const isNewer = (row: Revisioned, known: Revisioned) => !shared || row.revision > known.revision;
  const rowsOf = (name: RowKindName) => {
    const found: ReadonlyMap<string, Revisioned> = here[name];
    return there ? united<Revisioned>(there[name], found, rowKind(name).idOf, isNewer) : [...found.values()];
  };
  const textsOf = (name: TextKindName) => (there ? new Map([...there[name], ...here[name]]) : here[name]);
  return {
    ...forKinds<LoadedRows>(rowKindNames, rowsOf),
    ...forKinds<LoadedTexts>(textKindNames, textsOf),
    templates: there ? united(there.templates, here.templates, templateKey) : [...here.templates.values()],
  };
}

function united<Row>(
  there: readonly Row[],
  here: ReadonlyMap<string, Row>,
  idOf: (row: Row) => string,
  isNewer: (row: Row, known: Row) => boolean = () => true,
): Row[] {
  const byId = new Map(there.map((row) => [idOf(row), row]));
  for (const [id, row] of here) {
    const known = byId.get(id);
    if (known === undefined || isNewer(row, known)) byId.set(id, row);
  }
  return [...byId.values()];
}
