import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parse, TomlError } from "smol-toml";
import {
  ConfigError,
  type ServerConfig,
  type Setting,
  type SettingName,
  serverConfig,
  settingNames,
  settings,
} from "#config/index";
import { suggestion } from "../suggest.js";

/**
 * The sources of settings, by precedence: flags, environment, file, defaults.
 */
export interface Sources {
  /** By setting name, as parsed from the command line: text, lists of text, or true. */
  readonly flags: Readonly<Partial<Record<SettingName, unknown>>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** The file, which must exist. Default: `TASKRUN_CONFIG`, else `taskrun.toml` if it exists. */
  readonly file?: string | undefined;
  /** Override the usual defaults. */
  readonly defaults?: Readonly<Partial<Record<SettingName, unknown>>>;
}

/** Settings of the commands that call a server. */
const clientNames = ["addr", "namespace", "ca", "ca-pin"] as const;

/** What the file sets for commands that call a server. */
export type ClientSettings = { readonly [Name in (typeof clientNames)[number]]?: string };

/** Loads the server's settings. @throws {ConfigError} naming everything that is wrong, a line each */
export function loadConfig(sources: Sources): ServerConfig {
  const file = readFile(sources);
  const stray = unknownNames(file, sources.env);
  if (stray.length > 0) throw new ConfigError(stray.join("\n"));
  return configOf(file, sources);
}

function configOf(file: ConfigFile, sources: Sources): ServerConfig {
  const found = new Map(settingNames.map((name) => [name, findGiven(name, file, sources)]));
  const values = settingNames.map((name) => {
    const { isPath, fallback }: Setting = settings[name];
    const value = found.get(name)?.value ?? fallback;
    return [name, isPath && typeof value === "string" && value ? resolve(sources.cwd, value) : value];
  });
  return serverConfig(Object.fromEntries(values), (name) => found.get(name)?.origin ?? name);
}

/** Everything that is wrong with the settings, names that there are not included; nothing is thrown. */
export function settingProblems(sources: Sources): readonly string[] {
  try {
    const file = readFile(sources);
    return [...unknownNames(file, sources.env), ...problemsIn(() => configOf(file, sources))];
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split("\n");
    throw error;
  }
}

function problemsIn(load: () => unknown): readonly string[] {
  try {
    load();
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split("\n");
    throw error;
  }
}

/** A setting with the value that it has, and where that comes from. */
export interface ShownSetting {
  readonly name: SettingName;
  /** As it would stand in the file. */
  readonly value: unknown;
  /** `default`, a flag, a variable, or `FILE:LINE`. */
  readonly origin: string;
  readonly variable: string;
}

/** Every setting with its value, which need not be valid. @throws {ConfigError} if the file cannot be read */
export function shownSettings(sources: Sources): readonly ShownSetting[] {
  const file = readFile(sources);
  return settingNames.map((name) => {
    const given = findGiven(name, file, sources);
    const value = given?.value ?? (settings[name] as Setting).fallback;
    const isOfFile = given?.origin.startsWith(`${file.path}: `);
    const place = `${file.path}${lineOf(name, file.text)}`;
    return {
      name,
      value,
      origin: given ? (isOfFile ? place : given.origin) : "default",
      variable: variableOf(name),
    };
  });
}

/** `:LINE` of the first line that sets the key at the top of the file, or opens a table of its name; empty if there is none. */
function lineOf(name: string, text: string): string {
  const sets = new RegExp(`^\\s*(\\[\\s*)?["']?${name}["']?\\s*([=.]|\\])`);
  const at = text.split("\n").findIndex((line) => sets.test(line));
  return at < 0 ? "" : `:${at + 1}`;
}

/** Loads the address and namespace that the file sets for commands that call a server. */
export function loadClientSettings(sources: Omit<Sources, "flags">): ClientSettings {
  const { path, table } = readFile(sources);
  const texts = clientNames.flatMap((name) => {
    const value = table[name];
    if (value === undefined) return [];
    if (typeof value !== "string") throw new ConfigError(`${path}: ${name} must be text in quotes`);
    return [[name, value]];
  });
  return Object.fromEntries(texts);
}

interface ConfigFile {
  readonly path: string;
  /** Empty if there is none. */
  readonly text: string;
  readonly table: Readonly<Record<string, unknown>>;
}

function readFile({ cwd, env, file = env.TASKRUN_CONFIG }: Omit<Sources, "flags">): ConfigFile {
  const path = resolve(cwd, file || "taskrun.toml");
  try {
    const text = readFileSync(path, "utf8");
    return { path, text, table: parse(text) };
  } catch (thrown) {
    if (thrown instanceof TomlError) {
      throw new ConfigError(`${path}:${thrown.line}:${thrown.column}: ${thrown.message.split("\n", 1)[0]}`);
    }
    const missing = (thrown as NodeJS.ErrnoException).code === "ENOENT";
    if (missing && !file) return { path, text: "", table: {} };
    throw new ConfigError(`${path} cannot be read: ${missing ? "there is no such file" : String(thrown)}`);
  }
}

/** A value and its origin, as error messages name it. */
interface Given {
  readonly value: unknown;
  readonly origin: string;
}

function findGiven(name: SettingName, file: ConfigFile, sources: Sources): Given | undefined {
  const { flags, env, defaults = {} } = sources;
  const { fallback, given = true }: Setting = settings[name];
  const variable = variableOf(name);
  const text = env[variable];
  const flag = flags[name] === true ? given : flags[name];
  if (flag !== undefined) return { value: fromText(flag, fallback), origin: `--${name}` };
  if (text) return { value: fromText(text, fallback), origin: variable };
  if (file.table[name] !== undefined) return { value: file.table[name], origin: `${file.path}: ${name}` };
  return defaults[name] === undefined ? undefined : { value: defaults[name], origin: name };
}

const truths: Readonly<Record<string, boolean>> = { true: true, 1: true, false: false, 0: false };

/** Converts the text of a flag or variable; lists are separated by commas, and `off` is the empty list. */
function fromText(value: unknown, like: unknown): unknown {
  if (typeof like === "boolean") return truths[String(value)] ?? value;
  if (!Array.isArray(like)) return value;
  const texts = (Array.isArray(value) ? value : [value]).flatMap((text) => String(text).split(","));
  return texts.map((text) => text.trim()).filter((text) => text !== "" && text !== "off");
}

function variableOf(name: string): string {
  return `TASKRUN_${name.toUpperCase().replaceAll("-", "_")}`;
}

/** Variables that container platforms set for a service named taskrun; ignored. */
const serviceLink = /^TASKRUN_(\w+_)?(SERVICE_(HOST|PORT)|PORT)(_\w+)?$/;

function unknownNames({ path, table }: ConfigFile, env: Sources["env"]): string[] {
  const keys: readonly string[] = [...settingNames, ...clientNames];
  const variables = [...keys, "config", "api-key", "api-key-file", "profile", "cert", "cert-key"].map(
    variableOf,
  );
  const strayKeys = Object.keys(table).filter((key) => !keys.includes(key));
  const strayVariables = Object.keys(env).filter(
    (name) => name.startsWith("TASKRUN_") && !variables.includes(name) && !serviceLink.test(name),
  );

  return [
    ...strayKeys.map((key) => `${path}: there is no setting ${key}${suggestion(key, keys)}`),
    ...strayVariables.map((name) => `there is no variable ${name}${suggestion(name, variables)}`),
  ];
}
