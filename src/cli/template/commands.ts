import type { Command } from "commander";
import { limits } from "#limits/index";
import type { Ending } from "../exit.js";
import { addrOption, jsonOption, namespaceOption, namespacesOption, whole } from "../options.js";
import type { Io } from "../terminal/io.js";

/** `taskrun template …`. What each command does is loaded when it is used. */
export function addTemplateCommands(program: Command, io: Io, end: Ending): void {
  const template = program.command("template").description("Register, check, read and draw templates.");
  const verbs = () => import("./template.js");
  // Loads the template reader, with YAML and JSON Schema.
  const checks = () => import("./check.js");

  template
    .command("apply <file...>")
    .description("Register templates; - is standard input. A registered version cannot be changed.")
    .addOption(jsonOption("Print JSON, the outcome of one file per line."))
    .addOption(addrOption())
    .action(async (files, options) => end((await import("./apply.js")).applyTemplates(files, options, io)));

  template
    .command("list")
    .description("List templates, the newest version of each name first.")
    .option("--name <name>", "Only versions of this one.")
    .option("--limit <n>", "Number of templates at most.", whole(1, limits.listRows), 100)
    .addOption(jsonOption("Print JSON, a template a line."))
    .addOption(namespacesOption())
    .addOption(addrOption())
    .action(async (options) => end((await verbs()).listTemplates(options, io)));

  template
    .command("get <name>")
    .description("Print the text of a template, NS/NAME@VERSION. NS/ and @VERSION are optional.")
    .addOption(jsonOption("Print the template as JSON."))
    .addOption(namespaceOption())
    .addOption(addrOption())
    .action(async (name, options) => end((await verbs()).getTemplate(name, options, io)));

  template
    .command("validate <file...>")
    .description("Report all problems of templates, without a server; - is standard input.")
    .addOption(jsonOption("Print JSON, one file per line."))
    .action(async (files, options) => end((await checks()).validateTemplates(files, options, io)));

  template
    .command("visualize <template>")
    .description("Draw a file, - or NS/NAME@VERSION as a Mermaid flowchart.")
    .addOption(jsonOption("Print JSON that contains the drawing."))
    .addOption(namespaceOption())
    .addOption(addrOption())
    .action(async (given, options) => end((await checks()).visualizeTemplate(given, options, io)));
}
