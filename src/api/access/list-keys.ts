import { z } from "zod";
import { limits } from "#limits/index";
import { useCase } from "../use-case.js";
import { ofServer, ringOf } from "./fields.js";
import { type ListedKey, listed } from "./listed-key.js";

/** ListKeys: the keys whose namespaces are all the caller's. */
export const listKeys = useCase({
  action: "key.list",
  input: z.object({}),
  answerBytes: limits.messageBytes,
  find: ofServer,
  perform: async (_, request): Promise<readonly ListedKey[]> => {
    const rows = await ringOf(request).visibleTo(request.caller);
    return rows.map((row) => listed(row, request.services.roles));
  },
});
