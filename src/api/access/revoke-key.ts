import { z } from "zod";
import { useCase } from "../use-case.js";
import { keyId, ofServer, ringOf } from "./fields.js";
import { type ListedKey, listed } from "./listed-key.js";

/** RevokeKey: ends a key at once. */
export const revokeKey = useCase({
  action: "key.revoke",
  input: z.object({ id: keyId }),
  find: ofServer,
  perform: async ({ id }, request): Promise<ListedKey> =>
    listed(await ringOf(request).revoke(request.caller, id), request.services.roles),
});
