import { accessSync, constants } from "node:fs";
import { resolve } from "node:path";
import { type Setting, type SettingName, settingNames, settings } from "#config/index";
import { CliError, type ExitCode, exit } from "../exit.js";
import { flagsOf } from "../server/options.js";
import { type ShownSetting, type Sources, settingProblems, shownSettings } from "../server/settings.js";
import { suggestion } from "../suggest.js";
import type { JsonOption } from "../task/task.js";
import type { Io } from "../terminal/io.js";
import { document } from "../terminal/json.js";
import { oneLine, sanitize } from "../terminal/sanitizer.js";
import { layoutWidth } from "../terminal/size.js";
import { type Column, table } from "../terminal/table.js";
import { withoutSecrets } from "./redact.js";

interface ConfigOptions extends JsonOption {
  /** The file. */
  readonly config?: string;
  /** Settings, by their attributes. */
  readonly [setting: string]: unknown;
}

/** `config check`: the exit code is 2 if anything is wrong. */
export async function checkConfig(options: ConfigOptions, io: Io): Promise<ExitCode> {
  const sources = sourcesOf(options, io);
  const problems = configProblems(sources);
  if (options.json) {
    await io.stdout.write(document({ ok: problems.length === 0, problems }));
  } else if (problems.length > 0) {
    await io.stdout.write(problems.map((text) => `${sanitize(text)}\n`).join(""));
  } else {
    const given = shownSettings(sources).filter(({ origin }) => origin !== "default").length;
    const count = given === 1 ? "1 setting is" : `${given} settings are`;
    await io.stdout.write(`The settings are valid; ${count} not at the default.\n`);
  }
  return problems.length > 0 ? exit.usage : exit.ok;
}

/** Everything that is wrong with the settings and with the files that they name. */
export function configProblems(sources: Sources): readonly string[] {
  const problems = settingProblems(sources);
  return problems.length > 0 ? problems : fileProblems(sources);
}

/** Settings that name a file or folder which must be there. */
const mustExist: readonly SettingName[] = [
  "tls-cert",
  "tls-key",
  "issuer-cert",
  "issuer-key",
  "client-ca",
  "jwt-keys",
  "templates",
];

function fileProblems(sources: Sources): readonly string[] {
  return shownSettings(sources).flatMap(({ name, value, origin }) => {
    const isUrl = typeof value === "string" && value.includes("://");
    if (!mustExist.includes(name) || typeof value !== "string" || value === "" || isUrl) return [];
    const path = resolve(sources.cwd, value);
    try {
      accessSync(path, constants.R_OK);
      return [];
    } catch (error) {
      const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
      return [
        `${origin}: ${name} names ${path}, ${isMissing ? "which does not exist" : "which cannot be read"}`,
      ];
    }
  });
}

/** `config show`. */
export async function showConfig(
  options: ConfigOptions & { readonly given?: boolean },
  io: Io,
): Promise<ExitCode> {
  const all = shownSettings(sourcesOf(options, io)).map(redacted);
  const shown = options.given ? all.filter(({ origin }) => origin !== "default") : all;
  if (options.json) {
    await io.stdout.write(document(shown));
    return exit.ok;
  }
  const columns: Column<ShownSetting>[] = [
    { title: "SETTING", cell: ({ name }) => name },
    { title: "VALUE", cell: ({ value }) => valueText(value), least: 12 },
    { title: "FROM", cell: ({ origin }) => origin, least: 8 },
  ];
  if (shown.length > 0) await io.stdout.write(table(columns, shown, layoutWidth(io.stdout)));
  else await io.stderr.write("Every setting is at its default.\n");
  return exit.ok;
}

/** `config explain`. */
export async function explainSetting(given: string, options: ConfigOptions, io: Io): Promise<ExitCode> {
  const name = settingNamed(given);
  const { help, range, fallback }: Setting = settings[name];
  const [shown] = shownSettings(sourcesOf(options, io))
    .filter((each) => each.name === name)
    .map(redacted);
  const { value, origin = "default", variable = "" } = shown ?? {};
  if (options.json) {
    const facts = { name, help, range, default: fallback, value, origin, option: `--${name}`, variable };
    await io.stdout.write(document(facts));
    return exit.ok;
  }
  const lines = [
    help,
    "",
    `may be    ${range}`,
    `default   ${valueText(fallback) || "none"}`,
    `now       ${valueText(value) || "none"}, from ${origin === "default" ? "the default" : origin}`,
    `set by    --${name}, ${variable}, or ${name} in taskrun.toml`,
  ];
  await io.stdout.write(lines.map((line) => `${oneLine(line)}\n`).join(""));
  return exit.ok;
}

function settingNamed(given: string): SettingName {
  const bare = given.replace(/^--/, "").replace(/^TASKRUN_/i, "");
  const name = bare.toLowerCase().replaceAll("_", "-");
  const found = settingNames.find((each) => each === name);
  if (found) return found;
  throw new CliError(exit.usage, `there is no setting ${given}${suggestion(name, settingNames)}`);
}

function sourcesOf(options: ConfigOptions, { env, cwd }: Io): Sources {
  return { flags: flagsOf(options), env, cwd, file: options.config };
}

function redacted(setting: ShownSetting): ShownSetting {
  return { ...setting, value: withoutSecrets(setting.value) };
}

/** As it stands in the file, without quotes; lists and tables on one line. */
function valueText(value: unknown): string {
  if (Array.isArray(value)) return value.map(valueText).join(" ") || "none";
  return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
}
