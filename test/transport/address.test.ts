import { expect, test } from "vitest";
import { z } from "zod";
import { createClient, TaskRunError } from "#client/index";
import { addressProblem, readAddress, shownAddress } from "#transport/address";
import { agent, serve } from "#worker/index";

test.each([
  ["localhost", "http://localhost:50051"],
  ["localhost:50052", "http://localhost:50052"],
  [" localhost:50052\n", "http://localhost:50052"],
  ["plane.example", "http://plane.example:50051"],
  ["task_run:50051", "http://task_run:50051"],
  ["LOCALHOST:80", "http://LOCALHOST:80"],
  ["127.0.0.1", "http://127.0.0.1:50051"],
  ["127.0.0.1:1", "http://127.0.0.1:1"],
  ["::1", "http://[::1]:50051"],
  ["[::1]", "http://[::1]:50051"],
  ["[::1]:50052", "http://[::1]:50052"],
  ["::ffff:10.0.0.1", "http://[::ffff:10.0.0.1]:50051"],
  ["2001:db8::5", "http://[2001:db8::5]:50051"],
  ["http://localhost", "http://localhost"],
  ["http://localhost:50051/", "http://localhost:50051"],
  ["HTTPS://plane.example", "https://plane.example"],
  ["https://plane.example/grpc/", "https://plane.example/grpc"],
  ["http://[::1]:50051", "http://[::1]:50051"],
])("%j is the address %s", (given, url) => {
  expect(readAddress(given)).toEqual({ url });
});

test.each([
  ["", "is empty"],
  ["  ", "is empty"],
  ["50051", "is a port alone"],
  [":50051", "is none"],
  ["localhost:", "is none"],
  ["localhost:grpc", "is none"],
  ["localhost:0", "has the port 0"],
  ["localhost:65536", "has the port 65536"],
  ["localhost:50051/path", "is none"],
  ["user@localhost:50051", "is none"],
  ["::1:50051x", "is IPv6 without brackets"],
  ["1:2:3", "is IPv6 without brackets"],
  ["fe80::1%eth0", "is IPv6 without brackets"],
  ["[::1", "is none"],
  ["[::zz]:50051", "names no valid host"],
  ["a b:50051", "has a space in it"],
  ["dns:///localhost:50051", "has the scheme dns"],
  ["unix:///run/taskrun", "has the scheme unix"],
  ["http://", "is no URL"],
  ["http://u:p@plane.example", "has a user or password"],
  ["http://plane.example/?a=1", "has a query or fragment"],
])("%j is no address: %s", (given, problem) => {
  expect(readAddress(given).problem).toContain(problem);
});

const wrong = ["50051", "localhost:0", "dns:///localhost", "::1:50051x", ""];
const echo = agent({ name: "echo", input: z.looseObject({}), run: async (input) => input });

test.each(wrong)("client and worker refuse %j in the same words", async (addr) => {
  const { problem = "" } = readAddress(addr);
  const words = addressProblem(addr, problem);
  let thrown: unknown;
  try {
    createClient({ addr });
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(TaskRunError);
  expect(thrown).toMatchObject({ code: "INVALID_ARGUMENT", message: words, violations: [{ field: "addr" }] });
  await expect(serve({ agents: [echo], addr, handleSignals: false })).rejects.toThrow(words);
});

test("an address is shown as it was written, without the scheme that it had not", () => {
  expect(
    ["localhost", "::1", "https://plane.example/grpc"].map((given) =>
      shownAddress(readAddress(given).url ?? ""),
    ),
  ).toEqual(["localhost:50051", "[::1]:50051", "https://plane.example"]);
});
