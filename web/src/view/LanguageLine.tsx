// A line of buttons that choose the language, each in its own words.

import { language, LANGUAGES, t } from '../locales';
import { useStore } from './context';

export function LanguageLine() {
  const store = useStore();
  return (
    <div class="door-foot" role="group" aria-label={t('door.language')}>
      {LANGUAGES.map(([tag, name]) => (
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
