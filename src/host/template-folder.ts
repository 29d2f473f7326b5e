import { createHash } from "node:crypto";
import { relative } from "node:path";
import { LOCAL_CALLER } from "#domain/caller";
import { Fault } from "#domain/fault";
import { type TemplateBody, templateKey } from "#domain/template/template";
import { limits } from "#limits/index";
import type { Plane } from "#ports/plane";
import type { Log } from "#ports/telemetry";
import { FolderWatch } from "./folder-watch.js";
import { type FoundFile, readChanged, walk } from "./template-walk.js";

/** A problem or remark about a text. */
interface Finding {
  readonly code: string;
  readonly severity: string;
  readonly message: string;
  readonly line: number;
  readonly column: number;
}

interface Reading {
  /** Absent if the text has errors. */
  readonly template?: { readonly body: TemplateBody; readonly source: string; readonly digest: string };
  readonly findings: readonly Finding[];
}

export interface TemplateFolderParts {
  /** Absolute path. */
  readonly folder: string;
  readonly read: (source: string) => Promise<Reading>;
  readonly plane: Pick<Plane, "register" | "reads">;
  readonly log: Log;
}

export interface TemplateFolder {
  /** Stops watching. Resolves when no registration is in progress. */
  stop(): Promise<void>;
}

/**
 * Registers every template in a folder before it resolves, and again each file that changes later. A file with errors is
 * logged, with line and column, and does not affect the others.
 *
 * @throws {Fault} `invalid` if the folder cannot be read
 */
export async function openTemplateFolder(parts: TemplateFolderParts): Promise<TemplateFolder> {
  const folder = new Folder(parts);
  await folder.open();
  return folder;
}

/** A file that was handled: its stamp, and the hash of its text. */
interface Known {
  stamp: string;
  hash: string;
}

class Folder implements TemplateFolder {
  readonly #parts: TemplateFolderParts;
  readonly #watch: FolderWatch;
  readonly #known = new Map<string, Known>();
  /** The last warning about the folder, which is not repeated at every change. */
  #said = "";
  #failures = 0;
  #stopped = false;

  constructor(parts: TemplateFolderParts) {
    const { folder: root, log } = parts;
    this.#parts = parts;
    const forget = (path: string) => this.#forget(path);
    this.#watch = new FolderWatch({ root, log, changed: forget, quiet: () => this.#lookAgain() });
  }

  async open(): Promise<void> {
    const { folder } = this.#parts;
    try {
      await this.#watch.during(() => this.#look());
    } catch (cause) {
      await this.stop();
      const message = `templates: ${folder} cannot be read: ${(cause as Error).message}`;
      throw new Fault("invalid", message, { reason: "TEMPLATES_UNREADABLE", cause });
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#watch.stop();
  }

  async #lookAgain(): Promise<void> {
    try {
      await this.#look();
    } catch (error) {
      this.#known.clear();
      this.#watch.keepOnly([]);
      this.#say(`it cannot be read: ${(error as Error).message}`);
    }
  }

  async #look(): Promise<void> {
    const { folder } = this.#parts;
    const { files, folders, leftOut } = await walk(folder, (each) => this.#watch.add(each));
    this.#watch.keepOnly(folders);
    this.#say(leftOut.slice(0, limits.findingsLogged).join("; "));
    const names = new Set(files.map(({ name }) => name));
    for (const name of this.#known.keys()) if (!names.has(name)) this.#known.delete(name);

    let later = false;
    for (const file of files) {
      if (this.#stopped) return;
      later = (await this.#take(file)) === "later" || later;
    }
    this.#failures = later ? this.#failures + 1 : 0;
    if (later && this.#failures <= limits.registerRetries) {
      this.#watch.wakeIn(limits.registerRetryFirst * 2 ** (this.#failures - 1));
    }
  }

  /** Reads a file and registers it if it has changed. */
  async #take(file: FoundFile): Promise<"done" | "later"> {
    const known = this.#known.get(file.name) ?? { stamp: "", hash: "" };
    this.#known.set(file.name, known);
    try {
      const { stamp, text } = await readChanged(file, known.stamp);
      known.stamp = stamp;
      if (text === undefined) return "done";
      const hash = createHash("sha256").update(text).digest("hex");
      if (hash === known.hash) return "done";
      known.hash = hash;
      await this.#register(file.name, text);
    } catch (error) {
      if (!(error instanceof Fault) || error.again === "later") Object.assign(known, { stamp: "", hash: "" });
      return this.#complain(file.name, error);
    }
    return "done";
  }

  #complain(file: string, error: unknown): "done" | "later" {
    const { log } = this.#parts;
    if (error instanceof Fault) {
      log.error(`${file}: ${error.message} (not registered)`, { file });
      return error.again === "later" ? "later" : "done";
    }
    const { code, message } = error as NodeJS.ErrnoException;
    // A file that was deleted meanwhile is reported by the watch when it is created again.
    if (code !== "ENOENT") log.error(`${file}: ${message}`, { file, cause: error });
    return "done";
  }

  /** @throws {Fault} what {@link Plane.register} throws */
  async #register(file: string, text: string): Promise<void> {
    const { read, plane, log } = this.#parts;
    const { template, findings } = await read(text);
    const severity = template ? "warning" : "error";
    const lines = findings.filter((each) => each.severity === severity).map((each) => lineOf(file, each));
    const fields = { file, findings: lines.slice(0, limits.findingsLogged), found: lines.length };
    if (!template) return log.error(`${lines[0] ?? file} (not registered)`, fields);

    const { name, namespace_name: namespace, version } = template.body;
    const ref = { namespace, name, version };
    const before = await plane.reads.template(ref);
    if (before?.digest === template.digest) return;
    await plane.register(LOCAL_CALLER, { ...ref, ...template });
    log.info(`template ${templateKey(ref)} registered`, { file });
    if (lines.length > 0) log.warn(lines[0] ?? "", fields);
  }

  /** Forgets a changed file's stamp: two quick changes can leave it the same. */
  #forget(path: string): void {
    const known = this.#known.get(relative(this.#parts.folder, path));
    if (known) known.stamp = "";
  }

  #say(text: string): void {
    const { log, folder } = this.#parts;
    if (text !== this.#said && text !== "") log.warn(`templates: ${text}`, { folder });
    this.#said = text;
  }
}

function lineOf(file: string, { line, column, severity, code, message }: Finding): string {
  const place = line > 0 ? `${file}:${line}:${column}` : file;
  return `${place}: ${severity} ${code} ${message}`;
}
