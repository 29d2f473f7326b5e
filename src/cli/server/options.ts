import { Option } from "commander";
import { type SettingName, settingNames, settings } from "#config/index";

/** Makes an option for each setting from the table of settings. */
export function serverOptions(): Option[] {
  return settingNames.map((name) => {
    const { help, range, fallback, given } = settings[name];
    const usual = (Array.isArray(fallback) ? fallback.join(" ") : String(fallback)) || "none";
    const words = `${help} (${range}; default: ${usual})`;
    if (typeof fallback === "boolean") return new Option(`--${name}`, words);
    const value = Array.isArray(fallback) ? "value..." : "value";
    return new Option(`--${name} ${given === undefined ? `<${value}>` : `[${value}]`}`, words);
  });
}

/** Returns the settings among parsed options, by their names. */
export function flagsOf(options: Readonly<Record<string, unknown>>): Partial<Record<SettingName, unknown>> {
  const attribute = (name: string) => name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
  const given = settingNames.map((name) => [name, options[attribute(name)]] as const);
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}
