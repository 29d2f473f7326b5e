import { z } from "zod";
import type { KeyRow } from "#domain/access/key";
import { limits } from "#limits/index";
import { useCase } from "../use-case.js";
import { ofServer, ringOf } from "./fields.js";

/** ListKeys: the keys whose namespaces are all the caller's. */
export const listKeys = useCase({
  action: "key.list",
  input: z.object({}),
  answerBytes: limits.messageBytes,
  find: ofServer,
  perform: (_, request): Promise<readonly KeyRow[]> => ringOf(request).visibleTo(request.caller),
});
