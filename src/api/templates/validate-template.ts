import { z } from "zod";
import { useCase } from "../use-case.js";
import { sourceText } from "../validate.js";
import { readWhole } from "./template-source.js";

/** TemplateService.Validate: reports all problems of a template's text, without registering it. */
export const validateTemplate = useCase({
  action: "template.validate",
  input: z.object({ source: sourceText }),
  find: () => ({ resource: { kind: "server" as const } }),
  perform: ({ source }, { services }) => readWhole(source, services.schemas),
});
