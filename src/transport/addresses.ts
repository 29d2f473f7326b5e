import { limits } from "#limits/index";
import { addressProblem, LOCAL_ADDR, readAddress, shownAddress } from "./address.js";

/** Addresses of one plane's nodes, read: their URLs, or the whole message of what is wrong. */
export type AddressesReading =
  | { readonly urls: readonly string[]; readonly problem?: undefined }
  | { readonly urls?: undefined; readonly problem: string };

/**
 * Reads the addresses of the nodes of one plane: a list, or a text in which commas separate them, in the same way for clients,
 * workers and the command line. See `readAddress` for one of them.
 *
 * @param isTls true if an authority to trust is named
 */
export function readAddresses(given: string | readonly string[], isTls = false): AddressesReading {
  const texts = typeof given === "string" ? given.split(",") : listOf(given);
  const shown = `addr ${JSON.stringify(given)}`;
  if (texts.length === 0)
    return { problem: `${shown} is an empty list: name a server, such as ${LOCAL_ADDR}` };
  if (texts.length > limits.addresses) {
    return { problem: `${shown} names ${texts.length} servers; ${limits.addresses} at most are tried` };
  }
  const urls: string[] = [];
  for (const text of texts) {
    if (texts.length > 1 && typeof text === "string" && text.trim() === "") {
      return { problem: `${shown} has an empty place: write addresses with one comma between them` };
    }
    if (typeof given !== "string" && typeof text === "string" && text.includes(",")) {
      return { problem: addressProblem(text, "is a list within a list: make each an entry of its own") };
    }
    const { url, problem } = readAddress(text, isTls);
    if (url === undefined) return { problem: addressProblem(text, problem) };
    if (urls.includes(url)) {
      return { problem: `${shown} names ${shownAddress(url)} twice: name each server once` };
    }
    urls.push(url);
  }
  if (new Set(urls.map((url) => new URL(url).protocol)).size > 1) {
    return {
      problem: `${shown} has servers with https:// and without: reach all of one plane in the same way`,
    };
  }
  return { urls };
}

/** What is neither a text nor a list is refused as one address. */
function listOf(given: unknown): readonly string[] {
  return Array.isArray(given) ? (given as readonly string[]) : [given as string];
}
