// Stands in place of a message while its author changes it.

import { useEffect, useRef, useState } from 'preact/hooks';

import { t } from '../locales';
import type { ConversationModel, MessageRow, Problem } from '../store/model';
import { useStore } from './context';
import { grow } from './grow';
import { problemText } from './problem';
import { editing } from './ui';

interface Props {
  readonly row: MessageRow;
  readonly model: ConversationModel;
}

export function EditBox({ row, model }: Props) {
  const store = useStore();
  const field = useRef<HTMLTextAreaElement>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  useEffect(() => {
    const area = field.current;
    if (!area) return;
    grow(area);
    area.focus();
    area.setSelectionRange(area.value.length, area.value.length);
  }, []);

  const save = async () => {
    const text = oneLine(field.current?.value ?? '');
    if (row.id === null || text === '' || text === row.text) {
      leave();
      return;
    }
    const outcome = await store.actions.edit(model.id, row.id, text);
    if (outcome.ok) leave();
    else setProblem(outcome.problem);
  };
  return (
    <div class="edit-box">
      <textarea
        ref={field}
        class="input"
        rows={1}
        dir="auto"
        aria-label={t('message.edit-label')}
        defaultValue={row.text}
        onInput={(event) => grow(event.currentTarget)}
        onKeyDown={(event) => {
          if (event.isComposing) return;
          if (event.key === 'Enter') void save();
          else if (event.key === 'Escape') leave();
          else return;
          event.preventDefault();
          event.stopPropagation();
        }}
      />
      <div class="state">
        <button type="button" class="button" onClick={() => void save()}>
          {t('save')}
        </button>
        <button type="button" class="button quiet" onClick={leave}>
          {t('cancel')}
        </button>
        {problem ? (
          <span class="wrong" role="alert">
            {problemText(problem)}
          </span>
        ) : (
          <span class="note edit-keys">{t('message.edit-keys')}</span>
        )}
      </div>
    </div>
  );
}

/** A message is one line. */
function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ').trimEnd();
}

function leave(): void {
  editing.value = null;
  // On a touch screen the focus would open the keyboard over the messages.
  if (matchMedia('(pointer: fine)').matches)
    document.querySelector<HTMLElement>('.composer textarea')?.focus();
}
