/** The origin of a web page as browsers send it, e.g. `https://app.example`; or what is wrong with a text that should be one. */
export type ReadOrigin =
  | { readonly origin: string; readonly problem?: undefined }
  | { readonly origin?: undefined; readonly problem: string };

const EXAMPLE = "for example https://app.example or http://localhost:5173";

/**
 * Reads an origin that somebody has written: a scheme, a host and perhaps a port. Letter case, the default port and a
 * single slash at the end do not matter. There are no patterns: each page that may call is named.
 *
 * @returns the origin in the form in which browsers send it, or a problem that continues a sentence which begins with
 *   the text
 */
export function readOrigin(text: string): ReadOrigin {
  if (text === "null")
    return problem(
      "is what files and sandboxed frames of every site send: serve the page from an address, and write that",
    );
  if (text.includes("*")) return problem("has a wildcard: write each origin, with its port");
  if (/[\s\p{Cc}\\]/u.test(text)) return problem("contains spaces, backslashes or control characters");
  const [, scheme, authority = "", rest = ""] = /^([a-z][a-z\d+.-]*):\/\/([^/?#]*)(.*)$/i.exec(text) ?? [];
  if (scheme === undefined) return problem(`is no origin: write scheme, host and port, ${EXAMPLE}`);
  if (authority.includes("@")) return problem("names a user: write scheme, host and port only");
  const origin = /^https?$/i.test(scheme) ? webOrigin(scheme, authority) : otherOrigin(scheme, authority);
  if (origin === undefined)
    return problem(`has no valid host or port: write scheme, host and port, ${EXAMPLE}`);
  if (/^wss?:/.test(origin)) return problem(`is no origin of a page: write ${origin.replace("ws", "http")}`);
  if (rest !== "" && rest !== "/") return problem(`has more than scheme, host and port: write ${origin}`);
  return { origin };
}

function webOrigin(scheme: string, authority: string): string | undefined {
  try {
    return authority === "" ? undefined : new URL(`${scheme}://${authority}`).origin;
  } catch {
    return undefined;
  }
}

/** Of a page that no web server serves: of a browser's extension, or of a packaged application. */
function otherOrigin(scheme: string, authority: string): string | undefined {
  return /^[\w.-]+(:\d{1,5})?$/.test(authority) ? `${scheme}://${authority}`.toLowerCase() : undefined;
}

function problem(message: string): ReadOrigin {
  return { problem: message };
}
