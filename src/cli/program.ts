import { createRequire } from "node:module";
import { Argument, Command, CommanderError } from "commander";
import { addAgentCommands } from "./agent/commands.js";
import { addAuditCommands } from "./audit/commands.js";
import { addCaCommands } from "./ca/commands.js";
import { candidates, completionScript, nameKindOf, optionValues, type Shell, shells } from "./completion.js";
import { addConfigCommands } from "./config/commands.js";
import { addDeadLetterCommands } from "./dlq/commands.js";
import { addDoctorCommand } from "./doctor/commands.js";
import { type CliError, type Ending, type ExitCode, exit, toCliError } from "./exit.js";
import { addHelpCommand } from "./help.js";
import { addInspectCommand } from "./inspect/commands.js";
import { addKeyCommands } from "./key/commands.js";
import { addLoginCommands } from "./login/commands.js";
import { addNodeCommands } from "./node/commands.js";
import {
  apiKeyFileOption,
  caOption,
  caPinOption,
  certKeyOption,
  certOption,
  dataOption,
  profileOption,
} from "./options.js";
import { addPauseCommands } from "./pause/commands.js";
import { addArchiveCommands } from "./server/archive-commands.js";
import { addStoreCommands } from "./server/store-commands.js";
import { addTaskCommands } from "./task/commands.js";
import { addTemplateCommands } from "./template/commands.js";
import { colorsFor } from "./terminal/format.js";
import type { Io } from "./terminal/io.js";
import { sanitize } from "./terminal/sanitizer.js";
import { layoutWidth } from "./terminal/size.js";
import { addTopCommand } from "./top/commands.js";
import { addUsageCommand } from "./usage/commands.js";
import { addWorkerCommands } from "./worker/commands.js";

/** Runs a command line, given without `node` and `taskrun`, and returns the exit code. Never throws. */
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
 * Defines the commands. The module of a command is loaded only when it runs, so that `task list` does not load a server.
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
    // Options belong to the command before them: `worker` and `worker list` share some names.
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(sanitize(text)),
      writeErr: (text) => void io.stderr.write(sanitize(text)),
      getOutHelpWidth: () => layoutWidth(io.stdout) ?? 100,
      getErrHelpWidth: () => layoutWidth(io.stderr) ?? 100,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .addHelpText("after", helpEnd)
    .showHelpAfterError("Run with --help for the options.");
  const end: Ending = async (code) => ended(await code);

  await addServerCommands(program, words, io, end);
  addStoreCommands(program, io, end);
  addArchiveCommands(program, io, end);
  addWorkerCommands(program, io, end);
  addPauseCommands(program, io, end);
  addNodeCommands(program, io, end);
  addAgentCommands(program, io, end);
  addTaskCommands(program, io, end);
  addDeadLetterCommands(program, io, end);
  addTopCommand(program, io, end);
  addUsageCommand(program, io, end);
  addInspectCommand(program, io, end);
  addTemplateCommands(program, io, end);
  addKeyCommands(program, io, end);
  addLoginCommands(program, io, end);
  addAuditCommands(program, io, end);
  addCaCommands(program, io, end);
  addDoctorCommand(program, io, end);
  addCompletionCommands(program, io);
  addHelpCommand(program);
  addTrustOptions(program);
  return program;
}

/** Every command that calls a server is told in the same way whom to trust, and who calls. */
function addTrustOptions(command: Command): void {
  if (command.options.some(({ long }) => long === "--addr")) {
    const known = [apiKeyFileOption(), certOption(), certKeyOption(), dataOption(), profileOption()];
    for (const option of [caOption(), caPinOption(), ...known]) command.addOption(option);
  }
  for (const each of command.commands) addTrustOptions(each);
}

const helpEnd = `
Exit codes: 0 success, 1 the task failed, the request was refused or a template is invalid, 2 invalid usage,
3 server unreachable, 4 not found, 130 interrupted.
TASKRUN_ADDR and taskrun.toml set the defaults of options; NO_COLOR turns colours off.
`;

async function addServerCommands(
  program: Command,
  words: readonly string[],
  io: Io,
  end: Ending,
): Promise<void> {
  const dev = program
    .command("dev")
    .description(
      "Run a server and a worker here: with the agents and workflows of your modules, or with built-in agents.",
    )
    .argument("[module...]", "Files, or folders of files, that export agents and workflows.")
    .option("--watch", "Load the modules again when a file changes that they import. The default.", true)
    .option("--no-watch", "Load the modules once.");
  const server = program.command("server").description("Run a server.");
  server.option("--json", "Print the addresses as JSON, one line, once it serves.");
  for (const command of [dev, server]) {
    command.option(
      "--repair",
      "Start although the data is damaged or has lost commits, and report what is lost.",
    );
  }

  // Loading the settings' schema library takes half as long as other commands take in all.
  if (!words.some((word) => word === "server" || word === "dev" || word === "config")) {
    addConfigCommands(program, [], io, end);
    return;
  }
  const { flagsOf, serverOptions } = await import("./server/options.js");
  for (const command of [dev, server]) {
    command.option("--config <file>", "Read settings from this file instead of taskrun.toml.");
    for (const option of serverOptions()) command.addOption(option);
  }

  addConfigCommands(program, serverOptions(), io, end);

  dev.action(async (modules: string[], options) => {
    const flags = flagsOf(options);
    if (modules.length === 0) return end((await import("./server/dev.js")).runDev({ ...options, flags }, io));
    const { runModules } = await import("./dev/run-modules.js");
    await end(runModules({ ...options, modules, flags }, io));
  });
  server.action(async (options) => {
    const { runServer } = await import("./server/server.js");
    await end(runServer({ ...options, flags: flagsOf(options) }, io));
  });
}

function addCompletionCommands(program: Command, io: Io): void {
  program
    .command("completion")
    .description("Print a script that completes commands and options.")
    .addArgument(new Argument("<shell>", "The shell.").choices(shells))
    .action(async (shell: Shell) => io.stdout.write(completionScript(shell, io)));

  program
    .command("complete", { hidden: true })
    .argument("[words...]")
    .action(async (words: string[]) => {
      const found = [...candidates(program, words), ...(await namesFor(program, words, io))];
      await io.stdout.write(found.map((word) => `${word}\n`).join(""));
    });
}

async function namesFor(program: Command, words: readonly string[], io: Io): Promise<readonly string[]> {
  const kind = nameKindOf(program, words);
  if (kind === undefined) return [];
  const { namesOf } = await import("./completion-names.js");
  return namesOf(kind, words.at(-1) ?? "", optionValues(program, words.slice(0, -1)), io);
}

function version(): string {
  const manifest = createRequire(import.meta.url)("taskrun/package.json") as { version: string };
  return manifest.version;
}
