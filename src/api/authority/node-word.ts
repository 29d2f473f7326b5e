import type { AuthorityNode, AuthorityRow } from "#domain/access/authority";
import { type Instant, later } from "#domain/time/time";
import { limits } from "#limits/index";
import type { EnrolmentStore } from "#ports/enrolment";

/** What this server has told the others, while the authority is rotated: which row it follows, and whether it can. */
export class NodeWord {
  readonly #store: EnrolmentStore;
  readonly #node: string;
  readonly #now: () => Instant;
  #said: AuthorityNode | undefined;

  constructor(store: EnrolmentStore, node: string, now: () => Instant) {
    this.#store = store;
    this.#node = node;
    this.#now = now;
  }

  /** Writes it if it is news, or was said a while ago. Outside a rotation nobody asks. */
  async say({ phase, revision: follows }: AuthorityRow, problem: string): Promise<void> {
    const said = this.#said;
    const isNews = said?.follows !== follows || said.problem !== problem;
    if (phase === "standby" || (!isNews && this.#now() < said.endsAt - limits.authorityWord / 2)) return;
    const there = await this.#store.get("authority_node", this.#node);
    const row: AuthorityNode = {
      ...({ kind: "authority_node", id: this.#node, revision: (there?.revision ?? 0) + 1 } as const),
      ...{ follows, problem, endsAt: later(this.#now(), limits.authorityWord) },
    };
    if (await this.#store.put([row])) this.#said = row;
  }
}
