import { expect, test } from "vitest";
import type { NodeId } from "#domain/id";
import { Health } from "#gateway/health";
import { FakePlane } from "./kit/fake-plane.js";

test("/health names the node where several share the store, and is healthy with it", () => {
  const plane = new FakePlane();
  const health = new Health(plane, []);
  expect(health.report).toEqual({ status: "healthy" });

  plane.node = { id: "n-1" as NodeId, state: "live", leaseSeconds: 9 };
  expect(health.report).toEqual({ status: "healthy", node: { id: "n-1", state: "live", leaseSeconds: 9 } });
});
