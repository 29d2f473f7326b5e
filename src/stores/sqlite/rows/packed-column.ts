import { type Layout, type Layouts, layoutOf } from "./layouts.js";

/** A field that is stored with others in the column `rest`. */
export interface PackedField {
  readonly field: string;
  /** Its name in the file. */
  readonly name: string;
  /** Its value for rows that were written before the field existed. */
  readonly missing: unknown;
  /** True if a row may be without it. */
  readonly isOptional: boolean;
}

/** The column `rest` of a table, as this release writes it. */
export interface PackedColumn {
  readonly fields: readonly PackedField[];
  readonly layout: Layout;
}

export function packedColumn(table: string, fields: readonly PackedField[]): PackedColumn {
  return {
    fields,
    layout: layoutOf(
      table,
      fields.map(({ name }) => name),
    ),
  };
}

/**
 * Puts the fields of a stored array into a row, by their names, for any known layout. Returns false if the array's
 * layout is unknown.
 */
export function packedReader({ fields, layout }: PackedColumn) {
  return (row: Record<string, unknown>, values: readonly unknown[], layouts: Layouts): boolean => {
    const isOwn = values[0] === -layout.id;
    const places = isOwn ? undefined : layouts.placesOf(layout, values[0]);
    if (!isOwn && !places) return false;
    for (let i = 0; i < fields.length; i++) {
      const { field, missing, isOptional } = fields[i] as PackedField;
      const value = values[places ? (places[i] as number) : i + 1];
      if (isOptional && (value === undefined || value === null)) continue;
      row[field] = value === undefined ? missing : value;
    }
    return true;
  };
}

/** The fields of a row as the JSON text of an array, after the number of its layout. */
export function packedWriter<Row>({ fields, layout }: PackedColumn) {
  const names = fields.map(({ field }) => field as keyof Row);
  return (row: Row): string => {
    const values: unknown[] = [-layout.id];
    for (let i = 0; i < names.length; i++) values.push(row[names[i] as keyof Row]);
    while (values.at(-1) === undefined) values.pop();
    return JSON.stringify(values);
  };
}
