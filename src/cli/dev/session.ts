import { basename } from "node:path";
import { setTimeout } from "node:timers/promises";
import { createClient, type TaskRunClient } from "#client/index";
import { limits } from "#limits/index";
import { CliError, exit } from "../exit.js";
import type { Io } from "../terminal/io.js";
import { oneLine } from "../terminal/sanitizer.js";
import { AgentsProcess, type Loaded } from "./agents-process.js";
import { SourceWatch } from "./source-watch.js";
import { isModule, modulesOf, nodeArguments, type Source } from "./sources.js";

export interface DevSessionOptions {
  readonly sources: readonly Source[];
  readonly watch: boolean;
  /** Where the server is reached. */
  readonly addr: string;
  /** Absent if nobody is asked for one. */
  readonly apiKey: string | undefined;
  readonly logLevel: string;
  /** Base URL of a collector of traces, or empty. */
  readonly otlp: string;
  readonly io: Io;
}

/**
 * The user's modules, served by a process that is replaced when a file changes. The new process takes over once its modules
 * are loaded, its workflows registered and its agents connected; the old one then finishes its Runs. If anything of that
 * fails, the old one goes on.
 */
export class DevSession {
  /** Resolves with the reason why it cannot go on; never, if files are watched. */
  readonly failed: Promise<CliError>;
  readonly #options: DevSessionOptions;
  readonly #client: TaskRunClient;
  readonly #watch: SourceWatch | undefined;
  readonly #replaced = new Set<AgentsProcess>();
  #fail: (error: CliError) => void = () => {};
  #current: AgentsProcess | undefined;
  #loading: AgentsProcess | undefined;
  /** The process that imports the modules: what it loads is out of date when a file changes, and it may never end. */
  #importing: AgentsProcess | undefined;
  /** Loads that have begun. */
  #loads = 0;
  #work: Promise<void> = Promise.resolve();
  /** A load that waits for the one in progress: one is enough for any number of changes. */
  #isWaiting = false;
  #stopping = false;

  constructor(options: DevSessionOptions) {
    this.#options = options;
    const { addr, apiKey } = options;
    this.#client = createClient({ addr, ...(apiKey && { apiKey }) });
    this.failed = new Promise((resolve) => {
      this.#fail = resolve;
    });
    if (options.watch) this.#watch = new SourceWatch((path) => this.#changed(path));
    for (const source of options.sources) {
      if (source.isFolder) this.#watch?.addFolder(source.path, isModule);
      else this.#watch?.add(source.path);
    }
  }

  start(): void {
    this.#work = this.#work.then(() => this.#load());
  }

  /** Lets Runs finish within so many milliseconds. Resolves when no process of agents is left. */
  async stop(withinMs: number): Promise<void> {
    this.#stopping = true;
    this.#watch?.close();
    this.#loading?.kill();
    await this.#work;
    const left = [...this.#replaced, ...(this.#current ? [this.#current] : [])];
    await Promise.all(left.map((each) => each.drain(withinMs)));
    await this.#client.close();
  }

  #changed(path: string): void {
    if (this.#stopping || this.#isWaiting) return;
    this.#isWaiting = true;
    this.#say(`${basename(path)} has changed`);
    this.#importing?.kill();
    this.#work = this.#work.then(() => {
      this.#isWaiting = false;
      return this.#load();
    });
  }

  async #load(): Promise<void> {
    if (this.#stopping) return;
    const next = this.#begin();
    if (!next) return;
    this.#loading = next;
    this.#importing = next;
    const loaded = await next.loaded;
    this.#importing = undefined;
    const ended = loaded === undefined ? await next.ended : ""; // it says why first
    if (this.#stopping) return next.kill();
    if (loaded === undefined && this.#isWaiting) return; // a file has changed meanwhile
    if (loaded === undefined && !next.saidWhy)
      this.#say(`the process of the modules has ended with ${ended} before they were loaded`);
    const isReady =
      loaded !== undefined && (await this.#register(loaded)) && (await this.#serve(next, loaded));
    this.#loading = undefined;
    if (!isReady) {
      next.kill();
      return this.#broken();
    }
    const old = this.#current;
    this.#current = next;
    void next.ended.then((how) => this.#ended(next, how));
    if (old) await this.#replace(old);
    this.#say(`serving ${describe(loaded)}`);
  }

  #begin(): AgentsProcess | undefined {
    const { sources, addr, apiKey, io } = this.#options;
    try {
      const paths = sources.flatMap(modulesOf);
      const execArgv = nodeArguments(paths);
      const imported = (path: string) => this.#watch?.add(path);
      return new AgentsProcess({ cwd: io.cwd, paths, execArgv, addr, apiKey, imported });
    } catch (error) {
      this.#say(`the modules cannot be loaded: ${(error as Error).message}`);
      this.#broken();
      return undefined;
    }
  }

  async #register({ workflows }: Loaded): Promise<boolean> {
    for (const { namespace, name, version, source } of workflows) {
      try {
        await this.#client.templates.register(source);
      } catch (error) {
        this.#say(`workflow ${namespace}/${name}@${version} is refused: ${(error as Error).message}`);
        return false;
      }
    }
    return true;
  }

  async #serve(next: AgentsProcess, { agents }: Loaded): Promise<boolean> {
    if (agents.length === 0) return true;
    this.#loads += 1;
    const { addr, logLevel, otlp } = this.#options;
    const refusal = await next.serve({ addr, id: `dev-${this.#loads}`, logLevel, otlp });
    if (refusal !== undefined) this.#say(`the agents cannot be served: ${refusal}`);
    return refusal === undefined;
  }

  async #replace(old: AgentsProcess): Promise<void> {
    this.#replaced.add(old);
    void old.drain(limits.devDrain).then(() => this.#replaced.delete(old));
    await Promise.race([old.draining, setTimeout(limits.devHears)]);
    const [oldest] = this.#replaced;
    if (oldest && this.#replaced.size > limits.devReplaced) await oldest.drain(0);
  }

  #broken(): void {
    if (!this.#watch) {
      this.#fail(new CliError(exit.failed, "the modules cannot be loaded"));
      return;
    }
    const now = this.#current ? "the agents from before go on" : "nothing is served";
    this.#say(`${now}; waiting for a change`);
  }

  /** Agents can end their process, by `process.exit` or too much memory. */
  #ended(process: AgentsProcess, how: string): void {
    if (this.#stopping || process !== this.#current) return;
    this.#current = undefined;
    const text = `the process of the agents has ended with ${how}`;
    if (this.#watch) this.#say(`${text}; waiting for a change`);
    else this.#fail(new CliError(exit.failed, text));
  }

  #say(text: string): void {
    void this.#options.io.stdout.write(`dev: ${oneLine(text)}\n`);
  }
}

function describe({ agents, workflows }: Loaded): string {
  const list = (what: string, names: readonly string[]) =>
    names.length === 0 ? [] : [`${what}${names.length === 1 ? "" : "s"} ${names.join(", ")}`];
  const names = workflows.map(({ namespace, name, version }) => `${namespace}/${name}@${version}`);
  return [...list("agent", agents), ...list("workflow", names)].join(" and ");
}
