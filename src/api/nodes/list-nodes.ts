import { z } from "zod";
import type { NodeView } from "#domain/node";
import { useCase } from "../use-case.js";

/** ListNodes: the servers that share the store, this one among them. */
export const listNodes = useCase({
  action: "node.list",
  input: z.object({}),
  find: () => ({ resource: { kind: "server" as const } }),
  perform: (_, { services }): Promise<readonly NodeView[]> => services.plane.nodes(),
});
