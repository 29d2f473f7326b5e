import { z } from "zod";
import { limits } from "#limits/index";
import { useCase } from "../use-case.js";
import { atMost, optionalName, requiredName } from "../validate.js";
import { lasting, ofServer, ringOf } from "./fields.js";
import type { MadeKey } from "./key-ring.js";

/** CreateKey: makes an API key. Its text is in the answer, and kept nowhere. */
export const createKey = useCase({
  action: "key.create",
  input: z.object({
    name: requiredName("what the key is for"),
    // Which roles there are the ring says.
    role: optionalName,
    namespaces: atMost(limits.namespacesPerWorker, z.union([z.literal("*"), optionalName])),
    ttl: lasting(limits.keyLifeMost, limits.keyLife),
  }),
  find: ofServer,
  perform: ({ name, role, namespaces, ttl }, request): Promise<MadeKey> => {
    const isAll = namespaces.length === 0 || namespaces.includes("*");
    const wanted = namespaces.length === 0 ? request.caller.namespaces : isAll ? "*" : namespaces;
    return ringOf(request).make(request.caller, { name, role, ttl, namespaces: wanted });
  },
});
