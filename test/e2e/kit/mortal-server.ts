import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Proc } from "./harness.js";

const fixtures = fileURLToPath(new URL("../fixtures/", import.meta.url));

/** A server that kills itself when it is told to, and comes back at once on the same file and address. */
export class MortalServer {
  readonly file: string;
  readonly #dir: string;
  readonly #program: string;
  #addr = "127.0.0.1:0";
  #proc: Proc;
  #wanted = true;
  /** Times it has killed itself. */
  deaths = 0;

  private constructor(dir: string, program: string) {
    this.#dir = dir;
    this.#program = join(fixtures, program);
    this.file = join(dir, "data", "taskrun.db");
    mkdirSync(join(dir, "data"));
    this.#proc = this.#spawn();
  }

  /** @param program one of the fixtures */
  static async start(dir: string, program = "mortal-server.mjs"): Promise<MortalServer> {
    const server = new MortalServer(dir, program);
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
    const proc = new Proc([this.#program, this.file, this.#addr], this.#dir);
    void proc.ended.then(() => {
      if (!this.#wanted) return;
      this.deaths += 1;
      this.#proc = this.#spawn();
    });
    return proc;
  }
}
