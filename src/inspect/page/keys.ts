import { byId } from "./elements.js";
import type { Player } from "./player.js";

/** The page's keys, and the tabs of a narrow window. Keys do nothing while something is typed. */
export function startKeys({ player }: { readonly player: Player }): void {
  const keys: Readonly<Record<string, () => void>> = {
    ArrowLeft: () => player.step(-1),
    ArrowRight: () => player.step(1),
    Home: () => player.goTo(0),
    End: () => player.goTo(undefined),
    l: () => player.goTo(undefined),
    " ": () => player.playOrPause(),
    "/": () => byId("filter").focus(),
  };
  document.addEventListener("keydown", (event) => {
    const { target, key } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || isTaken(target, key)) return;
    const act = keys[key.length === 1 ? key.toLowerCase() : key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  startTabs();
}

/** True if the focused element uses the key itself. */
function isTaken(target: EventTarget | null, key: string): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement || target.closest("dialog")) return key !== "Escape";
  return key === " " && target instanceof HTMLButtonElement;
}

function startTabs(): void {
  const tabs = [...document.querySelectorAll<HTMLButtonElement>('.tabs [role="tab"]')];
  const choose = (name: string) => {
    document.body.dataset.tab = name;
    for (const tab of tabs) {
      const isChosen = tab.dataset.tab === name;
      tab.setAttribute("aria-selected", String(isChosen));
      tab.tabIndex = isChosen ? 0 : -1;
    }
  };
  for (const [i, tab] of tabs.entries()) {
    tab.addEventListener("click", () => choose(tab.dataset.tab ?? "chart"));
    tab.addEventListener("keydown", (event) => {
      const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
      const next = step === 0 ? undefined : tabs[(i + step + tabs.length) % tabs.length];
      if (!next) return;
      event.preventDefault();
      event.stopPropagation();
      choose(next.dataset.tab ?? "chart");
      next.focus();
    });
  }
  choose("chart");
}
