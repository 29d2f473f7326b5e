import { z } from "zod";
import type { KeyRow } from "#domain/access/key";
import { useCase } from "../use-case.js";
import { keyId, ofServer, ringOf } from "./fields.js";

/** RevokeKey: ends a key at once. */
export const revokeKey = useCase({
  action: "key.revoke",
  input: z.object({ id: keyId }),
  find: ofServer,
  perform: ({ id }, request): Promise<KeyRow> => ringOf(request).revoke(request.caller, id),
});
