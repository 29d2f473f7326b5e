/**
 * Proves that the tests can fail: breaks a copy of the sources in each of the ways of `mutants/`, runs the
 * test that must notice, and wants to see it red. First all of these tests must be green on the sources as they are.
 */
import { spawn } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Edit, Mutant, TestName } from "./mutant.js";
import { mutants } from "./mutants/index.js";

const root = dirname(createRequire(import.meta.url).resolve("taskrun/package.json"));
const parts = [
  "actors",
  "src",
  "test",
  "bin",
  "examples",
  "proto",
  "package.json",
  "vitest.config.ts",
  "tsconfig.base.json",
  "tsconfig.build.json",
];
/** A test run takes a core for most of its time; more at once only wait for one another. */
const LANES = 2;
/** A break that a few deaths in a row do not show is no break to prove a test with. */
const KILL_ROUNDS = "12";
/** A broken build may well wait for ever; a test that does has failed. */
const TEST_MS_MAX = 60_000;
/** The run of a broken build, with room to load it on a busy machine: one that is ended proves nothing. */
const RUN_MS_MAX = 5 * TEST_MS_MAX;
/** The run of the tests of all breaks, on the sources as they are. */
const WHOLE_RUN_MS_MAX = 20 * TEST_MS_MAX;
const LIMIT = ["--testTimeout", String(TEST_MS_MAX)];
const VITEST_ARGS = ["run", "--reporter", "json", "--retry", "0", ...LIMIT];
/** The projects of `vitest.config.ts` that tests of real processes are in, and all others. */
const REAL = ["e2e", "e2e-alone"];
const PURE = ["core", "core-shared"];
/** Only what Node runs; whether a broken build has the right types is not the question. */
const TSC_ARGS = ["-p", "tsconfig.build.json", "--noCheck", "--declaration", "false", "--sourceMap", "false"];

interface Outcome {
  readonly passed: number;
  readonly failed: number;
  /** What was not a test's failure: a build that does not load, a run that never ended. */
  readonly trouble: string;
}

/** A copy of the sources in which anything may be broken. */
class Copy {
  readonly #dir = mkdtempSync(join(tmpdir(), "taskrun-mutation-"));
  /** Files that are broken, as they were. */
  readonly #whole = new Map<string, string>();
  /** True if what is built here is of the sources as they are. */
  #isWhole = false;

  constructor() {
    process.once("exit", () => rmSync(this.#dir, { recursive: true, force: true }));
    for (const part of parts) cpSync(join(root, part), join(this.#dir, part), { recursive: true });
    symlinkSync(join(root, "node_modules"), join(this.#dir, "node_modules"));
  }

  /** @throws if the place is not there, or not the only one */
  edit({ file, find, replace }: Edit): void {
    const path = join(this.#dir, file);
    const text = readFileSync(path, "utf8");
    const pieces = text.split(find);
    if (pieces.length !== 2)
      throw new Error(`${file} has ${pieces.length - 1} places like ${JSON.stringify(find)}`);
    if (!this.#whole.has(path)) this.#whole.set(path, text);
    writeFileSync(path, pieces.join(replace));
  }

  restore(): void {
    for (const [path, text] of this.#whole) writeFileSync(path, text);
    this.#whole.clear();
  }

  /** Runs the tests of the files, or those among them that have one of the names. */
  async run(files: readonly string[], names: readonly string[], msMax: number): Promise<Outcome> {
    // Real processes run what was built.
    const real = files.some((file) => file.startsWith("test/e2e/"));
    if (real) {
      this.#isWhole = false;
      await this.#node("typescript/bin/tsc", TSC_ARGS, RUN_MS_MAX);
    } else this.#takeBuilt();
    const literal = (name: string) => name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    const pattern = names.length === 0 ? [] : ["-t", names.map(literal).join("|")];
    const output = join(this.#dir, "outcome.json");
    rmSync(output, { force: true });
    const projects = (real ? REAL : PURE).flatMap((project) => ["--project", project]);
    const args = [...VITEST_ARGS, ...projects, "--outputFile", output, ...pattern, ...files];
    const signal = await this.#node("vitest/vitest.mjs", args, msMax);
    return signal === null ? readOutcome(output) : { passed: 0, failed: 0, trouble: `ended by ${signal}` };
  }

  /**
   * For tests that are no real processes, and start threads: these run what was built of the sources as they are, whatever is broken
   * beside them.
   */
  #takeBuilt(): void {
    if (this.#isWhole) return;
    this.#isWhole = true;
    rmSync(join(this.#dir, "dist"), { recursive: true, force: true });
    for (const part of ["actors", "src"])
      cpSync(join(root, "dist", part), join(this.#dir, "dist", part), { recursive: true });
  }

  /** Runs a program of a package to its end, in a process group of its own that can be ended whole. */
  #node(program: string, args: readonly string[], msMax: number): Promise<NodeJS.Signals | null> {
    const path = join(this.#dir, "node_modules", program);
    const child = spawn(process.execPath, [path, ...args], {
      cwd: this.#dir,
      env: { ...process.env, KILL_ROUNDS },
      stdio: "ignore",
      detached: true,
    });
    const end = () =>
      child.pid !== undefined && child.exitCode === null && process.kill(-child.pid, "SIGKILL");
    const late = setTimeout(end, msMax);
    process.once("exit", end);
    return new Promise((resolve) => {
      child.once("close", (_, signal) => {
        clearTimeout(late);
        process.off("exit", end);
        this.#endLeftovers();
        resolve(signal);
      });
    });
  }

  /** A broken build may leave processes behind, in groups of their own: those that live in this copy are its own. */
  #endLeftovers(): void {
    if (!existsSync(PROCESSES)) return;
    for (const pid of readdirSync(PROCESSES).map(Number).filter(Boolean)) {
      try {
        if (readlinkSync(join(PROCESSES, String(pid), "cwd")) === this.#dir) process.kill(pid, "SIGKILL");
      } catch {} // it has ended meanwhile, or is somebody else's
    }
  }
}

/** Where the system shows its processes; elsewhere a broken build's leftovers are left to whoever runs this. */
const PROCESSES = "/proc";

interface Json {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly {
    readonly message: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

function readOutcome(path: string): Outcome {
  try {
    const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(path, "utf8")) as Json;
    const failures = testResults.flatMap(({ assertionResults }) =>
      assertionResults.flatMap(({ status, fullName }) => (status === "failed" ? [`\n  ${fullName}`] : [])),
    );
    const trouble = testResults.map(({ message }) => message).join(" ");
    return { passed: numPassedTests, failed: numFailedTests, trouble: `${trouble}${failures.join("")}` };
  } catch (error) {
    return { passed: 0, failed: 0, trouble: (error as Error).message };
  }
}

/** @returns what went wrong; empty if the test has turned red, and by failing */
async function prove(copy: Copy, mutant: Mutant): Promise<string> {
  try {
    for (const edit of mutant.edits) copy.edit(edit);
    const { file, name } = mutant.test;
    const { failed, passed, trouble } = await copy.run([file], name === undefined ? [] : [name], RUN_MS_MAX);
    if (failed > 0) return "";
    return passed > 0 ? "nothing turned red" : trouble || "no test was run";
  } catch (error) {
    return (error as Error).message;
  } finally {
    copy.restore();
  }
}

function inWords({ file, name }: TestName): string {
  return name === undefined ? file : `${file}: ${name}`;
}

const copies = Array.from({ length: LANES }, () => new Copy());
const wanted = process.argv.slice(2);
const chosen = mutants.filter(
  ({ name }) => wanted.length === 0 || wanted.some((word) => name.includes(word)),
);
const beganAt = performance.now();

const isReal = ({ test }: Mutant) => test.file.startsWith("test/e2e/");
const kinds = [
  chosen.filter((one) => isReal(one)),
  chosen.filter((one) => !isReal(one) && one.test.name !== undefined),
  chosen.filter((one) => !isReal(one) && one.test.name === undefined),
];
for (const some of kinds) {
  if (some.length === 0) continue;
  const files = new Set(some.map(({ test }) => test.file));
  const names = new Set(some.flatMap(({ test }) => test.name ?? []));
  const { passed, failed, trouble } = await (copies[0] as Copy).run([...files], [...names], WHOLE_RUN_MS_MAX);
  if (failed > 0 || passed === 0) {
    console.log(`not broken: ${failed} of the tests fail, so nothing can be proved. ${trouble}`);
    process.exit(1);
  }
  console.log(`not broken: ${passed} tests pass`);
}

const queue = [...chosen];
let failures = 0;
await Promise.all(
  copies.map(async (copy) => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const wrong = await prove(copy, next);
      if (wrong !== "") failures += 1;
      console.log(
        `${wrong === "" ? "red " : "FAIL"}  ${next.name.padEnd(48)} ${wrong || inWords(next.test)}`,
      );
    }
  }),
);
const seconds = ((performance.now() - beganAt) / 1_000).toFixed(0);
console.log(`${chosen.length - failures} passed, ${failures} failed, in ${seconds} s`);
process.exit(failures === 0 ? 0 : 1);
