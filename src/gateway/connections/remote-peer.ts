import type { CertificateCredential } from "#domain/caller";

/** Who is at the other end of a connection, as far as that shows. */
export interface RemotePeer {
  /** Its address; empty if it is gone already. */
  readonly address: string;
  /** The certificate that it has shown, verified; absent if it has shown none. */
  readonly certificate?: CertificateCredential | undefined;
}
