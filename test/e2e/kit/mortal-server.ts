import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Proc } from "./harness.js";

const program = fileURLToPath(new URL("../fixtures/mortal-server.mjs", import.meta.url));

/** A server that kills itself when a Task tells it to, and comes back at once on the same file and address. */
export class MortalServer {
  readonly file: string;
  readonly #dir: string;
  #addr = "127.0.0.1:0";
  #proc: Proc;
  #wanted = true;
  /** Times it has killed itself. */
  deaths = 0;

  private constructor(dir: string) {
    this.#dir = dir;
    this.file = join(dir, "data", "taskrun.db");
    mkdirSync(join(dir, "data"));
    this.#proc = this.#spawn();
  }

  static async start(dir: string): Promise<MortalServer> {
    const server = new MortalServer(dir);
    server.#addr = await server.#serving();
    return server;
  }

  get addr(): string {
    return this.#addr;
  }

  /** Ends it for good; the file is nobody's then. */
  async stop(): Promise<void> {
    this.#wanted = false;
    await this.#proc.end("SIGKILL");
  }

  #serving(): Promise<string> {
    return this.#proc.said("the server says where it serves", ({ stdout }) => /^(.*)\n/.exec(stdout)?.[1]);
  }

  #spawn(): Proc {
    const proc = new Proc([program, this.file, this.#addr], this.#dir);
    void proc.ended.then(() => {
      if (!this.#wanted) return;
      this.deaths += 1;
      this.#proc = this.#spawn();
    });
    return proc;
  }
}
