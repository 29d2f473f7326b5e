import { flood } from "../../kit.js";
import { PREFACE } from "../../raw/raw-http2.js";
import { socket } from "../../raw/sessions.js";
import type { Target } from "../../target.js";

/** Connections that come and go as fast as they can, half of them after they have greeted. */
export async function churn(target: Target): Promise<void> {
  await flood(target, { lanes: 50, most: 30_000 }, async (i) => {
    const opened = socket(target, i);
    await new Promise((resolve) => opened.once("connect", resolve).once("close", resolve));
    if (i % 4 < 2) opened.write(PREFACE);
    if (i % 3 === 0) opened.resetAndDestroy();
    else opened.destroy();
  });
}
