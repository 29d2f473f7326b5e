import { cruise, type ICruiseResult, type IForbiddenRuleType } from "dependency-cruiser";
import { compositionRoots, generated, type Layer, layers } from "./import-rules.js";

/** A path of {@link Layer} as the regular expression that matches its modules. */
function modulesOf(path: string): string {
  const escaped = path.replaceAll(".", "\\.");
  return path.endsWith(".ts") ? `^${escaped}$` : `^${escaped}/`;
}

/** Where the modules of a package lie, also when `node_modules` is a link to another folder. */
function packageNamed(name: string): string {
  return `(^|/)node_modules/${name}/`;
}

const external = ["npm", "npm-dev", "npm-optional", "npm-peer", "npm-no-pkg", "npm-unknown"] as const;

function rulesOf(layer: Layer): IForbiddenRuleType[] {
  const { path, types = [], packages, node, neverReaches = [], why: comment } = layer;
  const from = { path: modulesOf(path) };
  const imports = [path, ...layer.layers].map(modulesOf);
  const rule = (name: string, to: object): IForbiddenRuleType => ({
    name: `${path}: ${name}`,
    severity: "error",
    comment,
    from,
    to,
  });

  return [
    rule("layers", { path: "^(src|actors)/", pathNot: [...imports, ...types.map(modulesOf)] }),
    rule("packages", { dependencyTypes: [...external], pathNot: packages.map(packageNamed) }),
    ...(types.length === 0
      ? []
      : [rule("types only", { path: types.map(modulesOf), dependencyTypesNot: ["type-only"] })]),
    ...(node ? [] : [rule("no node", { dependencyTypes: ["core"] })]),
    ...(neverReaches.length === 0
      ? []
      : [rule("never reaches", { path: neverReaches.map(modulesOf), reachable: true })]),
  ];
}

/** The rules that hold everywhere, whatever the layer. */
const everywhere: readonly IForbiddenRuleType[] = [
  {
    name: "no cycles",
    severity: "error",
    comment: "Modules in a cycle are one module cut in pieces: none can be read, tested or loaded alone.",
    from: {},
    to: { circular: true },
  },
  {
    name: "all resolves",
    severity: "error",
    comment: "An import that resolves to nothing is an edge that no other rule can see.",
    from: {},
    to: { couldNotResolve: true },
  },
  {
    name: "no tests",
    severity: "error",
    comment: "What ships does not depend on its proof.",
    from: { path: "^(src|actors)/" },
    to: { path: "^(test|examples)/" },
  },
  {
    name: "no development packages",
    severity: "error",
    comment:
      "A development package is absent where TaskRun is installed. A type from one is absent there too.",
    from: { path: "^(src|actors)/" },
    to: { dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"], pathNot: "node_modules/@types/node/" },
  },
  {
    name: "generated code stays at the edge",
    severity: "error",
    comment: "Wire shapes change for the wire's reasons; the core speaks domain.",
    from: { path: "^(src|actors)/", pathNot: generated.importers.map(modulesOf) },
    to: { path: modulesOf(generated.path) },
  },
];

/** All rules, in dependency-cruiser's words. Composition roots appear in none of their own. */
export const rules: readonly IForbiddenRuleType[] = [...layers.flatMap(rulesOf), ...everywhere];

/** True of a module that some line of `import-rules.ts` speaks about. */
export function isPlaced(module: string): boolean {
  const places = [...layers.map((layer) => layer.path), ...compositionRoots];
  return places.some((path) => new RegExp(modulesOf(path)).test(module));
}

/** What a cruise of a tree finds: its own modules, and each broken rule as one line for people. */
export interface Cruise {
  readonly modules: readonly string[];
  readonly violations: readonly string[];
}

/** Cruises the folders `src` and `actors` under `root`, as far as they exist. */
export async function cruiseTree(root: string, folders: readonly string[]): Promise<Cruise> {
  const { output } = await cruise([...folders], {
    baseDir: root,
    validate: true,
    ruleSet: { forbidden: [...rules] },
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^dist/" },
    // Types are imports too: without this, `import type` would be an unguarded way round every rule.
    tsPreCompilationDeps: true,
    // The import maps of package.json name the TypeScript under "source"; without it they mean `dist`.
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["source", "types", "import", "node", "default"],
    },
  });
  const { modules, summary } = output as ICruiseResult;

  return {
    modules: modules.map(({ source }) => source).filter((source) => /^(src|actors)\//.test(source)),
    violations: summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} imports ${to}`),
  };
}
