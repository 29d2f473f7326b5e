import { byId } from "./elements.js";

const themes = ["auto", "light", "dark"] as const;
type Theme = (typeof themes)[number];

const words: Readonly<Record<Theme, string>> = { auto: "automatic", light: "light", dark: "dark" };

/** The switch between the system's theme, light and dark; remembered by the browser. */
export function startTheme(): void {
  const button = byId("theme");
  let theme = themes.find((known) => known === remembered()) ?? "auto";
  const show = () => {
    if (theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    button.setAttribute("aria-label", `Theme: ${words[theme]}`);
    button.title = `Theme: ${words[theme]}`;
  };
  button.addEventListener("click", () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length] ?? "auto";
    remember(theme);
    show();
  });
  show();
}

/** A browser may refuse to store anything. */
function remembered(): string | null {
  try {
    return localStorage.getItem("taskrun.theme");
  } catch {
    return null;
  }
}

function remember(theme: Theme): void {
  try {
    localStorage.setItem("taskrun.theme", theme);
  } catch {
    // It holds for this visit only.
  }
}
