import type { AgentContext } from "../agent/context.js";
import { KeptSteps } from "../models/kept-steps.js";

/** The name of the durable step whose result is a session's id. */
const STEP = "session";

/** An id of a session. It stands among the program's arguments, where nothing else may be smuggled in. */
export const sessionIdForm = /^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/;

/**
 * Keeps the session of each Run of a Step for the next one, in the Step's journal: one durable step a Run, whose result is the id that
 * the program announces with its first message. The journal has it while the program still works, so it survives a SIGKILL of the Worker
 * in the middle of the Run; a checkpoint would not, since it is written when a Run ends by itself. With a server that is older than
 * journals nothing is kept, and each Run begins anew.
 */
export class SessionJournal {
  readonly #steps: KeptSteps;
  #last = "";
  #announce: (sessionId: string) => void = () => {};
  #kept: Promise<unknown> | undefined;

  private constructor(ctx: AgentContext) {
    this.#steps = new KeptSteps(ctx);
  }

  /** Reads what earlier Runs have kept: an agent asks again for all durable steps of these, and the first that is not there is its own. */
  static async open(ctx: AgentContext): Promise<SessionJournal> {
    const journal = new SessionJournal(ctx);
    for (let earlier = await journal.#next(); earlier !== undefined; earlier = await journal.#next()) {
      if (sessionIdForm.test(earlier)) journal.#last = earlier;
    }
    return journal;
  }

  /** The session of the last Run that had one; empty if there was none. */
  get last(): string {
    return this.#last;
  }

  /** Keeps the session of this Run. Later calls do nothing. */
  announce(sessionId: string): void {
    this.#announce(sessionId);
  }

  /** Resolves when the session is durable, if there is one; also a Run that fails is continued by the next one. Never rejects. */
  async close(): Promise<void> {
    await this.#kept?.catch(() => {}); // why the Run was stopped is told where it works
  }

  /** The session of the next earlier Run; undefined once the step is reached whose result this Run announces. */
  #next(): Promise<string | undefined> {
    return new Promise((resolve, reject) => {
      const kept = this.#steps.read(STEP, "", () => {
        resolve(undefined);
        return new Promise<string>((announce) => {
          this.#announce = (sessionId) => {
            this.#kept = kept;
            announce(sessionId);
          };
        });
      });
      kept.then(resolve, reject);
    });
  }
}
