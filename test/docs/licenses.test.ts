import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { licenseProblem, licenseTable, shippedOf } from "./licenses.js";
import { refilled } from "./marked.js";

const root = fileURLToPath(new URL("../..", import.meta.url));

test("LICENSES.md lists every package that is shipped, at its version, with the licence that it names", async () => {
  const file = join(root, "LICENSES.md");
  await expect(
    refilled(readFileSync(file, "utf8"), "licenses", licenseTable(root)),
    "write it anew with: npm run docs",
  ).toMatchFileSnapshot(file);
});

test("each of them has a licence that we may pass on", () => {
  expect(shippedOf(root).flatMap((each) => licenseProblem(each) ?? [])).toEqual([]);
  const of = (license: string) => licenseProblem({ name: "x", version: "1.0.0", license });
  expect([of("(MIT OR GPL-3.0-only)"), of("(Apache-2.0 AND BSD-3-Clause)")]).toEqual([undefined, undefined]);
  for (const license of [
    "",
    "GPL-3.0-only",
    "MIT AND GPL-3.0-only",
    "UNLICENSED",
    "SEE LICENSE IN LICENSE.md",
  ])
    expect(of(license)).toContain("which is not in ALLOWED");
});

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
}

/** The parts of a bill that CycloneDX 1.5 demands, and those that ours always has. */
interface Bill {
  readonly bomFormat: string;
  readonly specVersion: string;
  readonly serialNumber: string;
  readonly version: number;
  readonly metadata: { readonly timestamp: string; readonly component: Component };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

interface Component {
  readonly type: string;
  readonly name: string;
  readonly version: string;
  readonly "bom-ref": string;
  readonly purl: string;
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
  readonly licenses?: readonly {
    readonly license?: { readonly id?: string };
    readonly expression?: string;
  }[];
}

test("the bill of materials is one of CycloneDX 1.5, of all that LICENSES.md lists and of nothing else", {
  timeout: 60_000,
}, () => {
  const folder = mkdtempSync(join(tmpdir(), "taskrun-sbom-test-"));
  try {
    const file = join(folder, "sbom.json");
    execFileSync(process.execPath, [join(root, "release/sbom.mjs"), file]);
    const bill = JSON.parse(readFileSync(file, "utf8")) as Bill;
    const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    checkBill(bill, manifest);
    const listed = bill.components.map(({ name, version }) => `${name}@${version}`).toSorted();
    expect(listed).toEqual(
      shippedOf(root)
        .map(({ name, version }) => `${name}@${version}`)
        .toSorted(),
    );
    // Our own development is no part of it.
    expect(listed.filter((each) => /^(vitest|typescript|@biomejs)/.test(each))).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

function checkBill(bill: Bill, { name, version, dependencies }: Manifest): void {
  expect([bill.bomFormat, bill.specVersion, bill.version]).toEqual(["CycloneDX", "1.5", 1]);
  expect(bill.serialNumber).toMatch(
    /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/,
  );
  expect(Number.isNaN(Date.parse(bill.metadata.timestamp))).toBe(false);
  expect(bill.metadata.component).toMatchObject({ type: "application", name, version });
  const all = [bill.metadata.component, ...bill.components];
  const refs = all.map((component) => component["bom-ref"]);
  expect(new Set(refs).size).toBe(refs.length);
  for (const component of bill.components) {
    expect(component).toMatchObject({
      type: "library",
      name: expect.any(String),
      version: expect.any(String),
    });
    expect(component.purl).toMatch(/^pkg:npm\/(%40[\w.-]+\/)?[\w.-]+@[\w.-]+$/);
    for (const { alg, content } of component.hashes ?? []) {
      expect(alg).toBe("SHA-512");
      expect(content).toMatch(/^[0-9a-f]{128}$/);
    }
    for (const each of component.licenses ?? []) expect(each.license?.id ?? each.expression).toMatch(/\w/);
    expect(component.licenses?.length, component.name).toBe(1);
  }
  // Each names what it depends on, and all of that is in the bill.
  const graph = new Map(bill.dependencies.map(({ ref, dependsOn }) => [ref, dependsOn]));
  expect([...graph.keys()].toSorted()).toEqual(refs.toSorted());
  expect([...graph.values()].flat().filter((ref) => !graph.has(ref))).toEqual([]);
  const direct = graph.get(bill.metadata.component["bom-ref"]) ?? [];
  expect(direct.toSorted()).toEqual(
    Object.entries(dependencies)
      .map(([each, at]) => `${each}@${at}`)
      .toSorted(),
  );
}
