/**
 * Writes what the package ships beside its own code, as a bill of materials of CycloneDX 1.5: every package that an installation may
 * have, at the version of the lock, with its licence and the hash of its tarball.
 *
 *   node release/sbom.mjs [FILE]    dist/release/taskrun-VERSION.cdx.json if left out
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const read = (name) => JSON.parse(readFileSync(join(root, name), "utf8"));

/**
 * `npm sbom --omit dev` leaves out whatever a development dependency has need of too, which are most of our own. So it is given a
 * project that has none.
 */
function shippedProject(folder) {
  const { devDependencies, scripts, ...manifest } = read("package.json");
  const lock = read("package-lock.json");
  delete lock.packages[""].devDependencies;
  for (const [path, { dev, devOptional }] of Object.entries(lock.packages)) {
    if (dev || devOptional) delete lock.packages[path];
  }
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
  writeFileSync(join(folder, "package-lock.json"), JSON.stringify(lock));
  return manifest;
}

function sbom() {
  const folder = mkdtempSync(join(tmpdir(), "taskrun-sbom-"));
  try {
    const { name, version } = shippedProject(folder);
    const format = ["--sbom-format", "cyclonedx", "--sbom-type", "application"];
    const args = ["sbom", "--package-lock-only", "--omit", "dev", ...format];
    const made = JSON.parse(execFileSync("npm", args, { cwd: folder, encoding: "utf8", maxBuffer: 64e6 }));
    // It is named after the folder otherwise.
    made.metadata.component.name = name;
    return { made, version };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const { made, version } = sbom();
const file = resolve(process.argv[2] ?? join(root, `dist/release/taskrun-${version}.cdx.json`));
mkdirSync(dirname(file), { recursive: true });
writeFileSync(file, `${JSON.stringify(made, null, 2)}\n`);
process.stdout.write(`${file}\n`);
