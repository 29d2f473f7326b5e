/**
 * The URI in the certificate of a server, as SPIFFE writes identities. Clients that trust the server's own authority ask for
 * it, so that no other certificate of that authority can pass for a server, and a server may be reached under any name.
 */
export const SERVER_ID = "spiffe://taskrun/control-plane";
