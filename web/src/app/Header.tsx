import { THEMES, chooseTheme, useTheme } from "@/app/theme";
import { BudgetMeter } from "@/features/budget/components/BudgetMeter";
import { Icon } from "@/shared/ui/Icon";
import { LANGUAGES, speak, useTexts } from "@/shared/texts/language";

export function Header() {
  const texts = useTexts();
  const t = texts.header;
  return (
    <header className="top">
      <a className="brand" href="#/" aria-label={t.home}>
        <img src="/favicon.svg" alt="" width={30} height={30} />
        <span aria-hidden="true">nst-art</span>
      </a>
      <BudgetMeter />
      <div className="tools">
        <label className="tool">
          <span className="unseen">{t.languages}</span>
          <select value={texts.locale} onChange={(event) => { void speak(event.target.value, { remember: true }); }}>
            {Object.entries(LANGUAGES).map(([code, { name }]) => <option key={code} value={code} lang={code}>{name}</option>)}
          </select>
        </label>
        <ThemeButton />
      </div>
    </header>
  );
}

/** One button that goes round: as the device, light, dark. */
function ThemeButton() {
  const t = useTexts().header;
  const theme = useTheme();
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "system";
  const label = `${t.theme}: ${t.themes[theme]}`;
  return (
    <button type="button" className="round" aria-label={label} title={label} onClick={() => { chooseTheme(next); }}>
      <Icon name={theme === "system" ? "auto" : theme === "light" ? "sun" : "moon"} />
    </button>
  );
}
