import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Authority, issueServer, openAuthority, pinOf } from "#host/tls/authority";
import type { TlsIdentity, TlsSource } from "#ports/tls";

/** An authority for tests, and identities of it. */
export interface TestAuthority {
  /** Its certificate as PEM. */
  readonly ca: string;
  readonly pin: string;
  issue(dns?: readonly string[]): Promise<TlsIdentity>;
}

export async function testAuthority(): Promise<TestAuthority> {
  const folder = mkdtempSync(join(tmpdir(), "taskrun-authority-"));
  const authority: Authority = await openAuthority(folder, Date.now());
  return {
    ca: authority.cert,
    pin: pinOf(authority.cert),
    issue: (dns = ["localhost"]) => issueServer(authority, { dns, ip: ["127.0.0.1"] }, Date.now()),
  };
}

/** A source whose identity a test replaces. */
export class TestSource implements TlsSource {
  identity: TlsIdentity;
  readonly #changed: ((identity: TlsIdentity) => void)[] = [];

  constructor(identity: TlsIdentity) {
    this.identity = identity;
  }

  onChange(changed: (identity: TlsIdentity) => void): void {
    this.#changed.push(changed);
  }

  replace(identity: TlsIdentity): void {
    this.identity = identity;
    for (const changed of this.#changed) changed(identity);
  }
}
