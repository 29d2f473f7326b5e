/**
 * Makes all that a release consists of, in one folder: the tarballs of both packages, the bill of materials, and the SHA-256 of each.
 * It publishes nothing.
 *
 *   npm run release [FOLDER]    dist/release if left out
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = resolve(process.argv[2] ?? join(root, "dist/release"));
const run = (command, ...args) => execFileSync(command, args, { cwd: root, encoding: "utf8" }).trim();

rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
run("npm", "pack", "--ignore-scripts", "--pack-destination", folder);
run(process.execPath, "sdk/pack.mjs", folder);
rmSync(join(folder, "package"), { recursive: true });
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
run(process.execPath, "release/sbom.mjs", join(folder, `taskrun-${version}.cdx.json`));

const sums = readdirSync(folder)
  .toSorted()
  .map(
    (name) =>
      `${createHash("sha256")
        .update(readFileSync(join(folder, name)))
        .digest("hex")}  ${basename(name)}`,
  );
writeFileSync(join(folder, "SHA256SUMS"), `${sums.join("\n")}\n`);
process.stdout.write(`${folder}:\n${sums.join("\n")}\n`);
