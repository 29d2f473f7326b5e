import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { limits } from "#limits/index";
import type { ExportedWorkflow, FromAgents, ToAgents } from "./messages.js";

/** What the modules of a process export. */
export interface Loaded {
  readonly agents: readonly string[];
  readonly workflows: readonly ExportedWorkflow[];
}

export interface AgentsProcessParts {
  readonly cwd: string;
  /** The modules; absolute paths. */
  readonly paths: readonly string[];
  /** Of Node, for example what makes it understand TypeScript. */
  readonly execArgv: readonly string[];
  /** Of the server, which clients in the modules are to find. */
  readonly addr: string;
  /** Absent if nobody is asked for one. */
  readonly apiKey: string | undefined;
  /** Called for each file that is imported. */
  readonly imported: (path: string) => void;
}

/** A process that has imported the modules, and serves their agents from `serve` to `drain`. */
export class AgentsProcess {
  /** Resolves to what is exported; to undefined if the modules cannot be loaded. */
  readonly loaded: Promise<Loaded | undefined>;
  /** True once the process has said on stderr why the modules cannot be loaded. */
  saidWhy = false;
  /** Resolves to how the process has ended: `code 1`, `signal SIGKILL`. */
  readonly ended: Promise<string>;
  /** Resolves when it begins nothing new any more, after `drain`. */
  readonly draining: Promise<void>;
  readonly #child: ChildProcess;
  #drained: () => void = () => {};
  #connected: (refusal: string | undefined) => void = () => {};

  constructor({ cwd, paths, execArgv, addr, apiKey, imported }: AgentsProcessParts) {
    const file = fileURLToPath(new URL("./agents-child.js", import.meta.url));
    const env = { ...process.env, TASKRUN_ADDR: addr, ...(apiKey && { TASKRUN_API_KEY: apiKey }) };
    this.#child = fork(file, [...paths], { cwd, env, execArgv: [...execArgv], stdio: "inherit" });
    // Also when this process ends at once: an agent that keeps the event loop does not notice that.
    const kill = (): void => this.kill();
    process.once("exit", kill);
    this.#child.once("exit", () => process.off("exit", kill));
    this.ended = new Promise((resolve) => {
      this.#child.once("error", (error) => resolve(error.message));
      this.#child.once("exit", (code, signal) => resolve(signal ? `signal ${signal}` : `code ${code}`));
    });
    this.draining = new Promise((resolve) => {
      this.#drained = resolve;
      void this.ended.then(() => resolve());
    });
    this.loaded = new Promise((resolve) => {
      this.#child.on("message", (message: FromAgents) => {
        if (message.type === "files") message.paths.forEach(imported);
        else if (message.type === "loaded") resolve(message);
        else if (message.type === "broken") {
          this.saidWhy = true;
          resolve(undefined);
        } else if (message.type === "draining") this.#drained();
        else this.#connected(message.type === "refused" ? message.message : undefined);
      });
      void this.ended.then(() => resolve(undefined));
    });
  }

  /** Resolves when the server has welcomed the worker; to the reason, if it has not. */
  serve(how: Omit<Extract<ToAgents, { type: "serve" }>, "type">): Promise<string | undefined> {
    const connected = new Promise<string | undefined>((resolve) => {
      this.#connected = resolve;
    });
    this.#tell({ type: "serve", ...how });
    return Promise.race([connected, this.ended.then((how) => `its process has ended with ${how}`)]);
  }

  /**
   * Lets Runs finish within so many milliseconds. Resolves when the process has ended. It is killed if it does not end then,
   * and when it has heard nothing for so long that its Runs are lost: an agent may keep its event loop for ever.
   */
  async drain(withinMs: number): Promise<void> {
    this.#tell({ type: "drain", withinMs });
    const deaf = setTimeout(() => this.kill(), limits.devDeaf);
    void this.draining.then(() => clearTimeout(deaf));
    const late = setTimeout(() => this.kill(), withinMs + limits.devLate);
    await this.ended;
    clearTimeout(late);
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  #tell(message: ToAgents): void {
    if (this.#child.connected) this.#child.send(message, () => {}); // one that has ended needs to be told nothing
  }
}
