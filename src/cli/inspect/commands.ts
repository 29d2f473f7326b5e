import type { Command } from "commander";
import type { Ending } from "../exit.js";
import { addrOption, jsonOption } from "../options.js";
import type { Io } from "../terminal/io.js";

/** `taskrun inspect`. What it does is loaded when it is used. */
export function addInspectCommand(program: Command, io: Io, end: Ending): void {
  program
    .command("inspect <id>")
    .description("Show a task's state machines, live, or again after its end: step by step on a terminal.")
    .option("--web", "Print the address of the page that shows the same in a browser.")
    .option("--http <host:port>", "The server's HTTP address, for --web. Default: port 8080 of its gRPC host")
    .addOption(jsonOption("Print the events as JSON, one per line, as @statelyai/inspect has them."))
    .addOption(addrOption())
    .addHelpText(
      "after",
      "\nKeys: → next, ← back, space plays or pauses, End goes to the newest message, q quits.",
    )
    .action(async (id, options) => end((await import("./inspect.js")).inspectTask(id, options, io)));
}
