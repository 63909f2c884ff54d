// A line of buttons that choose the language, each in its own words.

import { language } from '../locales';
import { useStore } from './context';

const NAMES = [
  ['en', 'English'],
  ['de', 'Deutsch'],
] as const;

export function LanguageLine() {
  const store = useStore();
  return (
    <div class="door-foot">
      {NAMES.map(([tag, name]) => (
        <button
          key={tag}
          type="button"
          lang={tag}
          aria-pressed={language.value === tag}
          onClick={() => store.actions.setSettings({ language: tag })}
        >
          {name}
        </button>
      ))}
    </div>
  );
}
