import type { KeyRow } from "#domain/access/key";
import type { Instant } from "#domain/time/time";
import type { AuditAppend } from "#ports/audit";
import type { CredentialStore } from "#ports/credentials";
import type { ThreadClient } from "./thread/client.js";

/** API keys in the file. Nobody else writes it, so that version and secret are this process's own. */
export class SqliteCredentials implements CredentialStore {
  readonly #writer: () => ThreadClient<"writer">;
  #version = 0;
  #secret: string | undefined;

  constructor(writer: () => ThreadClient<"writer">) {
    this.#writer = writer;
  }

  keys(): Promise<readonly KeyRow[]> {
    return this.#writer().call("apiKeys", undefined);
  }

  async version(): Promise<number> {
    return this.#version;
  }

  async putKeys(rows: readonly KeyRow[], audit?: AuditAppend): Promise<boolean> {
    const written = await this.#writer().call("putApiKeys", { rows, audit });
    if (written) this.#version += 1;
    return written;
  }

  async noteUses(uses: ReadonlyMap<string, Instant>): Promise<void> {
    if (uses.size > 0) await this.#writer().call("noteKeyUses", [...uses]);
  }

  async removeEnded(before: Instant, limit: number): Promise<number> {
    const removed = await this.#writer().call("removeEndedKeys", { before, limit });
    if (removed > 0) this.#version += 1;
    return removed;
  }

  async sharedSecret(drawn: string): Promise<string> {
    this.#secret ??= drawn;
    return this.#secret;
  }
}
