// The list of completions above the composer.

import type { Candidate } from '../text/complete';
import { Avatar } from './Avatar';
import type { Offer } from './completer';

interface Props {
  readonly offer: Offer;
  readonly onTake: (index: number) => void;
}

/** The options; they stand in the list box of the composer. */
export function Completion({ offer, onTake }: Props) {
  return (
    <>
      {offer.options.map((option, index) => (
        <div
          key={`${option.kind}${option.name}`}
          id={`completion-${index}`}
          role="option"
          aria-selected={index === offer.at}
          class={`option ${option.kind}`}
          // The field keeps the focus.
          onPointerDown={(event) => event.preventDefault()}
          onClick={() => onTake(index)}
        >
          <Sign option={option} />
          <span class="name truncate">{option.kind === 'command' ? `/${option.name}` : option.name}</span>
          {option.kind !== 'emoji' && <span class="detail truncate">{option.detail}</span>}
        </div>
      ))}
    </>
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
