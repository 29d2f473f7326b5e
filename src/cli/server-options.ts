import { Option } from "commander";
import { type SettingName, settingNames, settings } from "#config/index";

/** One option a setting; what it means, may be and defaults to is said once, in the table of settings. */
export function serverOptions(): Option[] {
  return settingNames.map((name) => {
    const { help, range, fallback } = settings[name];
    const usual = (Array.isArray(fallback) ? fallback.join(" ") : String(fallback)) || "none";
    const words = `${help} (${range}; default: ${usual})`;
    if (typeof fallback === "boolean") return new Option(`--${name}`, words);
    const value = Array.isArray(fallback) ? "<value...>" : "<value>";
    return new Option(`--${name} ${value}`, words);
  });
}

/** The settings among parsed options, by their names. */
export function flagsOf(options: Readonly<Record<string, unknown>>): Partial<Record<SettingName, unknown>> {
  const attribute = (name: string) => name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
  const given = settingNames.map((name) => [name, options[attribute(name)]] as const);
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}
