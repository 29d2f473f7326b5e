import { hostname } from "node:os";
import { expect, test } from "vitest";
import { nodeSelf } from "#host/node-self";

test.each([
  ["its first listener", ["10.0.0.7:50051", "[::1]:50051"], "10.0.0.7:50051"],
  ["its host's name where it listens on all addresses", ["0.0.0.0:50051"], `${hostname()}:50051`],
  ["its host's name where it listens on all addresses of IPv6", ["[::]:50051"], `${hostname()}:50051`],
  ["nothing of a port that is not known yet", ["127.0.0.1:0"], ""],
  ["nothing without listeners", [], ""],
])("a node says %s", (_, listeners, address) => {
  expect(nodeSelf(listeners)).toMatchObject({ address, hostname: hostname() });
});
