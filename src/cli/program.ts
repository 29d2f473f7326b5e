import { createRequire } from "node:module";
import { Argument, Command, CommanderError } from "commander";
import { candidates, completionScript, type Shell, shells } from "./completion.js";
import { type CliError, type Ending, type ExitCode, exit, toCliError } from "./exit.js";
import { colorsFor } from "./format.js";
import type { Io } from "./io.js";
import { addStoreCommands } from "./store-commands.js";
import { addTaskCommands } from "./task-commands.js";
import { addTemplateCommands } from "./template-commands.js";
import { sanitize } from "./terminal-sanitizer.js";
import { addWorkerCommands } from "./worker-commands.js";

/** Runs one command line, without the words `node` and `taskrun`, and answers with the exit code. Never throws. */
export async function runProgram(words: readonly string[], io: Io): Promise<ExitCode> {
  let code: ExitCode = exit.ok;
  try {
    const program = await buildProgram(words, io, (ended) => {
      code = ended;
    });
    await program.parseAsync([...words], { from: "user" });
    return code;
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? exit.ok : exit.usage;
    return tell(toCliError(thrown, io.self), io);
  }
}

async function tell(error: CliError, io: Io): Promise<ExitCode> {
  const { red } = colorsFor(io.stderr, io);
  const lines = [
    `${red("taskrun:")} ${sanitize(error.message)}`,
    ...error.next.map((line) => `  ${sanitize(line)}`),
  ];
  await io.stderr.write(lines.map((line) => `${line}\n`).join(""));
  return error.code;
}

/**
 * The commands. What a command does is loaded when it is chosen: `task list` must not wait for a server to load.
 */
async function buildProgram(
  words: readonly string[],
  io: Io,
  ended: (code: ExitCode) => void,
): Promise<Command> {
  const program = new Command("taskrun")
    .description("A control plane for AI agents: durable Tasks, remote Workers, live output.")
    .version(version(), "-V, --version", "Print the version.")
    .helpOption("-h, --help", "Explain a command.")
    // Options belong to the command they stand behind: `worker` and `worker list` have some of the same name.
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      getOutHelpWidth: () => io.stdout.columns ?? 100,
      getErrHelpWidth: () => io.stderr.columns ?? 100,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .addHelpText("after", helpEnd)
    .showHelpAfterError("Run with --help for the options.");
  const end: Ending = async (code) => ended(await code);

  await addServerCommands(program, words, io, end);
  addStoreCommands(program, io, end);
  addWorkerCommands(program, io, end);
  addTaskCommands(program, io, end);
  addTemplateCommands(program, io, end);
  addCompletionCommands(program, io);
  return program;
}

const helpEnd = `
Exit codes: 0 well, 1 the task failed, the request was refused or a template is not valid, 2 wrong use,
3 server unreachable, 4 not found, 130 interrupted.
TASKRUN_ADDR and taskrun.toml set what is not given as an option; NO_COLOR turns colours off.
`;

async function addServerCommands(
  program: Command,
  words: readonly string[],
  io: Io,
  end: Ending,
): Promise<void> {
  const dev = program.command("dev").description("Run a server and a worker here, and say what to try next.");
  const server = program.command("server").description("Run a server.");
  server.option("--json", "Print the addresses as JSON, one line, once it serves.");
  for (const command of [dev, server]) {
    command.option(
      "--repair",
      "Start although the data is damaged or has lost commits, and say what is gone.",
    );
  }

  // The table of settings brings its schema library along, which is half of what other commands take to start.
  if (!words.some((word) => word === "server" || word === "dev")) return;
  const { flagsOf, serverOptions } = await import("./server-options.js");
  for (const command of [dev, server]) {
    command.option("--config <file>", "Read settings from this file in place of taskrun.toml.");
    for (const option of serverOptions()) command.addOption(option);
  }

  dev.action(async (options) => {
    const { runDev } = await import("./dev.js");
    await end(runDev({ ...options, flags: flagsOf(options) }, io));
  });
  server.action(async (options) => {
    const { runServer } = await import("./server.js");
    await end(runServer({ ...options, flags: flagsOf(options) }, io));
  });
}

function addCompletionCommands(program: Command, io: Io): void {
  program
    .command("completion")
    .description("Print a script that completes commands and options.")
    .addArgument(new Argument("<shell>", "Which shell it is for.").choices(shells))
    .action(async (shell: Shell) => io.stdout.write(completionScript(shell)));

  program
    .command("complete", { hidden: true })
    .argument("[words...]")
    .action(async (words: string[]) => {
      await io.stdout.write(
        candidates(program, words)
          .map((word) => `${word}\n`)
          .join(""),
      );
    });
}

function version(): string {
  const manifest = createRequire(import.meta.url)("taskrun/package.json") as { version: string };
  return manifest.version;
}
