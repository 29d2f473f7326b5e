import { type Layer, layers, roots } from "../tidy/import-rules.js";
import { code, table } from "./marked.js";

/** The code map of `src/README.md`, from the import rules. */
export function layerTable(): string {
  const rows = [
    ...layers.map((layer) => [folderOf(layer.path), layer.says, importsOf(layer)]),
    ...roots.map(({ path, says }) => [folderOf(path), says, "every layer"]),
  ];
  return table(["folder", "says", "may import"], rows);
}

/** As it is named in a page that lies in `src`. */
function nameOf(path: string): string {
  return path.startsWith("src/") ? path.slice("src/".length) : `../${path}`;
}

function folderOf(path: string): string {
  return code(path.endsWith(".ts") ? nameOf(path) : `${nameOf(path)}/`);
}

function importsOf({ layers: own, types = [], packages, node }: Layer): string {
  const plain = own.map((path) => nameOf(path).replace(/^\.\.\//, ""));
  const typesOnly = types.map((path) => nameOf(path).replace(/^\.\.\//, ""));
  const parts = [
    plain.join(", "),
    typesOnly.length > 0 ? `types of ${typesOnly.join(", ")}` : "",
    [...packages.map(code), ...(node ? ["Node"] : [])].join(", "),
  ];
  return parts.filter((part) => part !== "").join("; ") || "nothing";
}
