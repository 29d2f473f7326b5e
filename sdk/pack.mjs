/**
 * Packs `@taskrun/sdk` for those who want no server installed: the entry points for clients, workers and workflows, out of
 * what `npm run build` has compiled, with every module that they load and no other. Its manifest is made of package.json:
 * it depends on the packages that these modules name, at the same versions.
 *
 *   node sdk/pack.mjs [FOLDER]    makes FOLDER/package and the tarball beside it; FOLDER is dist/sdk if left out
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, posix, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const root = fileURLToPath(new URL("..", import.meta.url));
const NAME = "@taskrun/sdk";

/** The entry points with their modules, as paths from the root without an ending. */
const entries = {
  ".": "dist/src/sdk/index",
  "./client": "dist/src/client/index",
  "./worker": "dist/src/worker/index",
  "./templates": "dist/src/templates/index",
};

/** All modules that the first ones lead to by their code or by their types, and the packages that these name. */
function reachedFrom(first) {
  const modules = new Set(first);
  const packages = new Set();
  for (const module of modules) {
    for (const specifier of specifiersIn(module)) {
      if (specifier.startsWith("node:")) continue;
      const own = moduleOf(specifier, module);
      if (own === undefined) packages.add(packageOf(specifier));
      else modules.add(own);
    }
  }
  return { modules: [...modules].sort(), packages: [...packages].sort() };
}

function specifiersIn(module) {
  return [".js", ".d.ts"].flatMap((ending) => {
    const text = readFileSync(join(root, module + ending), "utf8");
    return ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName);
  });
}

/** The module of this project that a specifier means; undefined if it means a package. */
function moduleOf(specifier, from) {
  if (specifier.startsWith(".")) {
    return posix.join(posix.dirname(from), specifier).replace(/\.js$/, "");
  }
  if (specifier.startsWith("#actors/")) throw new Error(`${from} leads to the server: ${specifier}`);
  return specifier.startsWith("#") ? `dist/src/${specifier.slice(1)}` : undefined;
}

function packageOf(specifier) {
  const [first, second] = specifier.split("/");
  return specifier.startsWith("@") ? `${first}/${second}` : first;
}

function manifestOf(whole, packages) {
  const { version, license, type, engines, peerDependencies, peerDependenciesMeta } = whole;
  return {
    name: NAME,
    version,
    description: "Client, worker and workflow SDK of TaskRun, without its server.",
    license,
    type,
    engines,
    imports: { "#package.json": "./package.json", "#*": "./dist/src/*.js" },
    exports: { ...exported(), "./package.json": "./package.json" },
    dependencies: Object.fromEntries(packages.map((name) => [name, versionOf(whole, name)])),
    // Optional ones, which agents load when they need them.
    peerDependencies,
    peerDependenciesMeta,
  };
}

function exported() {
  return Object.fromEntries(
    Object.entries(entries).map(([key, module]) => {
      return [key, { types: `./${module}.d.ts`, default: `./${module}.js` }];
    }),
  );
}

function versionOf({ dependencies }, name) {
  const version = dependencies[name];
  if (version === undefined) throw new Error(`${name} is imported, and no dependency in package.json`);
  return version;
}

/** Copies a module, without its map, which has the sources in it. Its examples name the entry points of this package. */
function copyModule(module, to) {
  mkdirSync(dirname(join(to, module)), { recursive: true });
  const code = readFileSync(join(root, `${module}.js`), "utf8");
  writeFileSync(join(to, `${module}.js`), code.replace(/^\/\/# sourceMappingURL=.*\n?/m, ""));
  const types = readFileSync(join(root, `${module}.d.ts`), "utf8");
  writeFileSync(
    join(to, `${module}.d.ts`),
    types.replace(/(["`])taskrun(?=\/(?:client|worker|templates)\1)/g, `$1${NAME}`),
  );
}

function pack(folder) {
  if (!existsSync(join(root, `${entries["."]}.js`))) {
    throw new Error("nothing is built: run `npm run build` first");
  }
  const to = join(folder, "package");
  rmSync(to, { recursive: true, force: true });
  mkdirSync(to, { recursive: true });
  const { modules, packages } = reachedFrom(Object.values(entries));
  for (const module of modules) copyModule(module, to);
  copyFileSync(join(root, "LICENSE"), join(to, "LICENSE"));
  copyFileSync(join(root, "sdk/README.md"), join(to, "README.md"));
  const whole = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  writeFileSync(join(to, "package.json"), `${JSON.stringify(manifestOf(whole, packages), null, 2)}\n`);
  const args = ["pack", "--ignore-scripts", "--json", "--pack-destination", folder];
  const [{ filename }] = JSON.parse(execFileSync("npm", args, { cwd: to, encoding: "utf8" }));
  return join(folder, filename);
}

process.stdout.write(`${pack(resolve(process.argv[2] ?? join(root, "dist/sdk")))}\n`);
