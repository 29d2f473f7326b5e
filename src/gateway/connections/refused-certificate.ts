import type { TLSSocket } from "node:tls";
import type { AuditTrail } from "#ports/audit";

/** Is told of each handshake whose certificate is refused. */
export type NotesCertificate = (socket: TLSSocket) => void;

/** Tells the audit log of certificates that are refused: by their names and numbers, if an authority of ours vouches for these. */
export function certificateNotes(
  audit: Pick<AuditTrail, "refused"> | undefined,
): NotesCertificate | undefined {
  return (
    audit &&
    ((socket) => {
      const shown = socket.getPeerX509Certificate();
      if (!shown) return;
      const action = "key.use";
      if (!socket.authorized) {
        // Whoever shows one that is not verified says of itself what it likes.
        const detail = String(socket.authorizationError);
        audit.refused({ actor: "anonymous", action, object: "a certificate", detail });
        return;
      }
      const [, actor = "anonymous"] = /^URI:([^,\s"]+)$/.exec(shown.subjectAltName ?? "") ?? [];
      const object = `certificate ${shown.serialNumber.toLowerCase()}`;
      audit.refused({ actor, action, object, detail: "CERTIFICATE_REFUSED" });
    })
  );
}
