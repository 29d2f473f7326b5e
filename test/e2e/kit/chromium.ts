/** A real browser for tests: Debian's Chromium, driven by playwright-core. */
import { existsSync } from "node:fs";
import { type Browser, chromium, type LaunchOptions } from "playwright-core";
import { describe } from "vitest";

/** Where Chromium is: what `CHROMIUM` says, else where Debian puts it. */
const executablePath = [process.env.CHROMIUM, "/usr/bin/chromium"].find((path) => path && existsSync(path));

if (executablePath === undefined) {
  const missing = `there is no Chromium at ${process.env.CHROMIUM ?? "/usr/bin/chromium"}: apt-get install chromium, or set CHROMIUM`;
  // Where everything must hold, a browser that is missing is a failure; elsewhere its tests are skipped, and counted as such.
  if (process.env.CI) throw new Error(missing);
  console.warn(`Tests of web pages are skipped: ${missing}.`);
}

/** A group of tests that need {@link openChromium}; skipped where there is no Chromium. */
export const describeInChromium = describe.skipIf(executablePath === undefined);

/** Starts Chromium. It resolves `*.example` to this machine, and reaches nothing else. Close it after the tests. */
export function openChromium(options: LaunchOptions = {}): Promise<Browser> {
  const args = [
    "--host-resolver-rules=MAP *.example 127.0.0.1",
    "--disable-dev-shm-usage",
    // Its sandbox refuses to run as root, as whom containers run tests.
    ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
  ];
  return chromium.launch({ ...(executablePath !== undefined && { executablePath }), args, ...options });
}
