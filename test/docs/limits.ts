import { readFileSync } from "node:fs";
import ts from "typescript";
import { limits } from "#limits/index";
import { code, table } from "./marked.js";

/** One section of `src/limits`: the bounds of one file, as its source says them. */
interface Section {
  readonly heading: string;
  readonly text: string;
  readonly bounds: readonly Bound[];
}

interface Bound {
  readonly name: string;
  readonly unit: "bytes" | "time" | "number";
  readonly reason: string;
}

/** `docs/limits.md` from `src/limits`: a table for each section, in the order of `index.ts`. */
export function limitTables(): string {
  return sections()
    .map(({ heading, text, bounds }) => {
      const rows = bounds.map((bound) => [code(bound.name), shown(bound), bound.reason]);
      return `## ${heading}\n\n${text}\n\n${table(["name", "value", "why"], rows)}`;
    })
    .join("\n\n");
}

/** @throws if a section or a bound has no doc comment */
export function sections(): Section[] {
  return spreads(parsed("index")).map((name) => {
    const file = parsed(name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`));
    const statement = file.statements.find(ts.isVariableStatement);
    if (!statement) throw new Error(`${file.fileName} declares nothing`);
    const [heading = "", ...paragraphs] = commentOf(statement).split(/\n{2,}/);
    return {
      heading: heading.replace(/^# /, ""),
      text: paragraphs.join("\n\n"),
      bounds: properties(statement).map(boundOf),
    };
  });
}

function parsed(name: string): ts.SourceFile {
  const path = new URL(`../../src/limits/${name}.ts`, import.meta.url);
  return ts.createSourceFile(name, readFileSync(path, "utf8"), ts.ScriptTarget.ES2023, true);
}

/** The names of the sections in `{ ...a, ...b }`. */
function spreads(file: ts.SourceFile): string[] {
  const names: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isSpreadAssignment(node)) names.push(node.expression.getText());
    ts.forEachChild(node, visit);
  };
  visit(file);
  return names;
}

function properties(statement: ts.VariableStatement): ts.PropertyAssignment[] {
  const found: ts.PropertyAssignment[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isPropertyAssignment(node)) found.push(node);
    ts.forEachChild(node, visit);
  };
  visit(statement);
  return found;
}

function boundOf(property: ts.PropertyAssignment): Bound {
  const value = property.initializer.getText();
  const name = property.name.getText();
  const isBytes = /\b[KM]IB\b/.test(value) || /Bytes/.test(name);
  const unit = /^millis\(/.test(value) ? "time" : isBytes ? "bytes" : "number";
  return { name, unit, reason: commentOf(property).replaceAll("\n", " ") };
}

/** The text of the doc comment before a node, without its marks. */
function commentOf(node: ts.Node): string {
  const [doc] = ts.getJSDocCommentsAndTags(node);
  if (!doc) throw new Error(`no doc comment before ${node.getText().slice(0, 60)}`);
  const lines = doc
    .getText()
    .replace(/^\/\*\*|\*\/$/g, "")
    .split("\n");
  return lines
    .map((line) => line.trim().replace(/^\* ?/, ""))
    .join("\n")
    .trim();
}

const units = {
  bytes: [
    [1024 ** 2, "MiB"],
    [1024, "KiB"],
    [1, "B"],
  ],
  time: [
    [86_400_000, "d"],
    [3_600_000, "h"],
    [60_000, "min"],
    [1_000, "s"],
    [1, "ms"],
  ],
  number: [[1, ""]],
} as const;

/** `4 MiB`, `7 d` and `1 000`: in the largest unit of which it is a whole number; `24 h` and `60 s` rather than one of the next. */
function shown({ name, unit }: Bound): string {
  const value: number = limits[name as keyof typeof limits];
  const [size, word] = units[unit].find(
    ([each, word]) => value % each === 0 && !(value === each && (word === "d" || word === "min")),
  ) ?? [1, ""];
  const [whole = "", fraction] = String(value / size).split(".");
  const digits = whole.replace(/\B(?=(\d{3})+$)/g, " ");
  return `${digits}${fraction === undefined ? "" : `.${fraction}`} ${word}`.trim();
}
