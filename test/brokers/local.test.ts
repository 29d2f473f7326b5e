import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { localBrokers } from "#brokers/local";
import { brokerSuite } from "#testing/broker-suite/index";

brokerSuite("the local broker", async () => ({ ...localBrokers(), close: async () => {} }), {
  describe,
  test,
  expect,
  fc,
});
