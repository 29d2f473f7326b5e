import { z } from "zod";
import { limits } from "#limits/index";
import { useCase } from "../use-case.js";
import { keyId, lasting, ofServer, ringOf } from "./fields.js";
import type { MadeKey } from "./key-ring.js";

/** RotateKey: a new key in the place of one, which ends after a while. */
export const rotateKey = useCase({
  action: "key.rotate",
  input: z.object({ id: keyId, overlap: lasting(limits.keyLifeMost, limits.keyOverlap) }),
  find: ofServer,
  perform: ({ id, overlap }, request): Promise<MadeKey> =>
    ringOf(request).rotate(request.caller, id, overlap),
});
