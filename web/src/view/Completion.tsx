// The list of completions above the composer.

import { t } from '../locales';
import type { Candidate } from '../text/complete';
import { Avatar } from './Avatar';
import type { CompletionState } from './useCompletion';

export function optionId(index: number): string {
  return `completion-${String(index)}`;
}

export function Completion({ completion }: { readonly completion: CompletionState }) {
  const { options, at } = completion;
  return (
    <div
      id="completions"
      role="listbox"
      class="completion"
      aria-label={t('composer.completions')}
      hidden={options.length === 0}
    >
      {options.map((option, index) => (
        <div
          key={`${option.kind}${option.name}`}
          id={optionId(index)}
          role="option"
          aria-selected={index === at}
          class={`option ${option.kind}`}
          // The field keeps the focus.
          onPointerDown={(event) => event.preventDefault()}
          onClick={() => completion.take(option)}
        >
          <Sign option={option} />
          <span class="name truncate">{option.kind === 'command' ? `/${option.name}` : option.name}</span>
          {option.kind !== 'emoji' && <span class="detail truncate">{option.detail}</span>}
        </div>
      ))}
    </div>
  );
}

function Sign({ option }: { readonly option: Candidate }) {
  if (option.kind === 'command') return null;
  return (
    <span class="sigil" aria-hidden="true">
      {option.kind === 'user' ? (
        <Avatar name={option.name} size="small" />
      ) : option.kind === 'room' ? (
        '#'
      ) : (
        option.detail
      )}
    </span>
  );
}
