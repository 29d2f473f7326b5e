import type { Command } from "commander";
import type { Ending } from "../exit.js";
import { addrOption, jsonOption } from "../options.js";
import type { Io } from "../terminal/io.js";

/** Adds `node`, about the servers that share a store. */
export function addNodeCommands(program: Command, io: Io, end: Ending): void {
  const node = program.command("node").description("List the servers that share a store.");
  node
    .command("list")
    .description("List the servers that share the store, and what each has.")
    .addOption(jsonOption("Print JSON, one node per line."))
    .addOption(addrOption())
    .action(async (options) => end((await import("./nodes.js")).listNodes(options, io)));
}
