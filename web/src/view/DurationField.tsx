// A choice of how long something holds. The value is empty for ever.

import { t } from '../locales';

const DURATIONS = ['10m', '1h', '1d', '7d'] as const;

export function DurationField({ chosen }: { readonly chosen: (typeof DURATIONS)[number] | '' }) {
  return (
    <fieldset class="field plain">
      <legend class="field-label">{t('field.duration')}</legend>
      <div class="choices">
        {[...DURATIONS, '' as const].map((value) => (
          <label key={value} class="choice">
            <input type="radio" name="duration" value={value} defaultChecked={value === chosen} />
            <span>{t(value === '' ? 'duration.ever' : `duration.${value}`)}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
