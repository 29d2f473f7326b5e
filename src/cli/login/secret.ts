import { limits } from "#limits/index";
import { CliError, exit } from "../exit.js";
import type { Io } from "../terminal/io.js";

/** Asks whoever sits before the keyboard, and shows nothing of what is typed. @throws {CliError} at Ctrl-C */
export function askSecret(question: string, { onKey, stderr }: Io): Promise<string> {
  return new Promise((resolve, reject) => {
    if (!onKey) return reject(new CliError(exit.usage, "nobody is at the keyboard"));
    let typed = "";
    void stderr.write(question);
    const release = onKey((key) => {
      if (key === "enter") return end(() => resolve(typed));
      if (key === "interrupt" || key === "escape")
        return end(() => reject(new CliError(exit.interrupted, "cancelled")));
      if (key === "backspace") typed = typed.slice(0, -1);
      else if (key.length === 1 && typed.length < limits.profileBytes) typed += key;
    });
    const end = (answer: () => void) => {
      release();
      void stderr.write("\n");
      answer();
    };
  });
}
