import { expect, test } from "vitest";
import { readOrigin } from "#domain/text/origin";

test.each([
  ["https://app.example", "https://app.example"],
  ["https://app.example/", "https://app.example"],
  ["HTTPS://App.Example:443", "https://app.example"],
  ["http://localhost:5173", "http://localhost:5173"],
  ["http://localhost:80", "http://localhost"],
  ["http://127.0.0.1:3000/", "http://127.0.0.1:3000"],
  ["http://[::1]:3000", "http://[::1]:3000"],
  ["http://[0:0:0:0:0:0:0:1]:3000", "http://[::1]:3000"],
  ["https://bücher.example", "https://xn--bcher-kva.example"],
  ["chrome-extension://AbcdefghijklmnoP", "chrome-extension://abcdefghijklmnop"],
  ["tauri://localhost", "tauri://localhost"],
])("%s is sent by browsers as %s", (text, origin) => {
  expect(readOrigin(text)).toEqual({ origin });
});

test.each([
  ["*", /^has a wildcard/],
  ["http://*.example", /^has a wildcard/],
  ["http://localhost:*", /^has a wildcard: write each origin, with its port/],
  ["null", /^is what files and sandboxed frames/],
  ["", /^is no origin: write scheme, host and port/],
  ["localhost:5173", /^is no origin/],
  ["app.example", /^is no origin/],
  ["//app.example", /^is no origin/],
  ["file:///home/me/page.html", /^has no valid host/],
  ["https://", /^has no valid host/],
  ["https://:443", /^has no valid host/],
  ["https://app.example:99999", /^has no valid host or port/],
  ["http://::1:3000", /^has no valid host or port/],
  ["https://app.example/app", /write https:\/\/app\.example$/],
  ["https://app.example//", /write https:\/\/app\.example$/],
  ["https://app.example?x", /write https:\/\/app\.example$/],
  ["https://app.example#x", /write https:\/\/app\.example$/],
  ["https://me:secret@app.example", /^names a user/],
  [" https://app.example", /^contains spaces/],
  ["https://app\t.example", /^contains spaces/],
  ["https://app.example\n", /^contains spaces/],
  ["https:\\\\app.example", /^contains spaces, backslashes/],
  ["https://a.example, https://b.example", /^contains spaces/],
  ["wss://app.example", /write https:\/\/app\.example$/],
  ["ws://localhost:1", /write http:\/\/localhost:1$/],
])("%j is refused", (text, problem) => {
  expect(readOrigin(text).problem).toMatch(problem);
});
