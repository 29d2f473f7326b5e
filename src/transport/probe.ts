import { connect } from "node:http2";
import { limits } from "#limits/index";
import { shownAddress } from "./address.js";
import { ConnectFailed } from "./connect-failed.js";
import { onAbort } from "./on-abort.js";
import type { Checks, Trust } from "./trust.js";

/**
 * Resolves when a server at the URL has answered as an HTTP/2 server does before any request. What accepts connections and says
 * nothing does not; sent a request, it would leave open whether it has carried it out.
 *
 * @throws {ConnectFailed} if it cannot be reached, or does not answer within `limits.addressAnswer`
 */
export async function probe(url: string, signal: AbortSignal, trust?: Trust): Promise<void> {
  const checks = trust && (await checksOf(url, trust));
  return new Promise((resolve, reject) => {
    const session = connect(new URL(url).origin, checks);
    const fail = (why: unknown) => {
      end();
      reject(new ConnectFailed(shownAddress(url), why));
    };
    const timer = setTimeout(
      () => fail(new Error(`no answer within ${limits.addressAnswer} ms`)),
      limits.addressAnswer,
    );
    const forget = onAbort(signal, () => fail(new Error("another server has answered")));
    const end = () => {
      clearTimeout(timer);
      forget();
      session.destroy();
    };
    // Heard to the end: an error that nobody hears would end the process.
    session.on("error", fail);
    session.once("close", () => fail(new Error("the server closed the connection")));
    session.once("remoteSettings", () => {
      end();
      resolve();
    });
  });
}

async function checksOf(url: string, trust: Trust): Promise<Checks> {
  try {
    return await trust.checks(new URL(url));
  } catch (why) {
    throw new ConnectFailed(shownAddress(url), why);
  }
}
