// Where messages are written. Enter sends; a line with a slash at its beginning is a command; names, rooms, commands and emoji
// are completed.

import { useSignalEffect } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

import { t } from '../locales';
import type { ConversationModel, Problem } from '../store/model';
import { readDraft } from '../text/compose';
import { ComposerHint } from './ComposerHint';
import { useMe, useStore } from './context';
import { grow } from './grow';
import { Icon } from './Icon';
import { dialog, editing, insertion } from './ui';
import { useCompletion } from './useCompletion';

export function Composer({ model }: { readonly model: ConversationModel }) {
  const field = useRef<HTMLTextAreaElement>(null);
  const draft = model.draft.value;
  const sending = useSending(model);
  const completion = useCompletion(model, field, sending.write);
  useComposerField(model, field, sending.write);
  const name = model.kind === 'room' ? `#${model.name}` : model.name;

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.isComposing) return;
    if (completion.onKey(event)) event.preventDefault();
    else if (event.key === 'Enter' && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      void sending.submit();
    } else if (event.key === 'ArrowUp' && draft === '' && sending.editLast()) event.preventDefault();
  };
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        void sending.submit();
        field.current?.focus();
      }}
    >
      <div
        id="completions"
        role="listbox"
        class="completion"
        aria-label={t('composer.completions')}
        hidden={completion.part === null}
      >
        {completion.part && completion.offer && (
          <completion.part.Completion offer={completion.offer} onTake={completion.take} />
        )}
      </div>
      <div class="composer-box">
        <textarea
          ref={field}
          rows={1}
          dir="auto"
          value={draft}
          placeholder={t('composer.placeholder', { name })}
          aria-label={t('composer.label', { name })}
          aria-autocomplete="list"
          aria-controls="completions"
          aria-activedescendant={completion.offer ? `completion-${completion.offer.at}` : undefined}
          enterkeyhint="send"
          onInput={(event) => {
            sending.write(event.currentTarget.value);
            completion.look();
          }}
          onKeyDown={onKeyDown}
          onClick={completion.look}
          onBlur={completion.close}
        />
        <div class="composer-row">
          <ComposerHint draft={draft} problem={sending.problem} />
          <button type="submit" class="button" disabled={draft.trim() === ''}>
            <Icon name="send" />
            <span class="send-word">{t('composer.send')}</span>
          </button>
        </div>
      </div>
    </form>
  );
}

interface Sending {
  readonly problem: Problem | null;
  readonly write: (text: string) => void;
  readonly submit: () => Promise<void>;
  /** False if there is no message of mine that can be edited. */
  readonly editLast: () => boolean;
}

/** Sends what is written, or carries it out. */
function useSending(model: ConversationModel): Sending {
  const store = useStore();
  const me = useMe();
  const [problem, setProblem] = useState<Problem | null>(null);
  const write = (text: string) => {
    setProblem(null);
    store.actions.setDraft(model.id, text);
  };
  const command = async (line: string) => {
    write('');
    const outcome = await store.actions.runCommand(model.id, line);
    if (!outcome.ok) {
      if (model.draft.peek() === '') store.actions.setDraft(model.id, line);
      setProblem(outcome.problem);
    } else if (outcome.value.kind !== 'done') dialog.value = { kind: 'answer', line, answer: outcome.value };
  };
  const publish = async (text: string) => {
    const outcome = await store.actions.publish(text);
    if (outcome.ok) write('');
    else setProblem(outcome.problem);
  };
  const submit = async () => {
    const read = readDraft(model.draft.peek());
    if (read.kind === 'command') await command(read.line);
    if (read.kind !== 'messages') return;
    if (model.kind === 'feed' && model.name === me) {
      await publish(read.texts.join(' '));
      return;
    }
    const outcome = store.actions.send(model.id, read.texts.join('\n'));
    if (outcome.ok) write('');
    else setProblem(outcome.problem);
  };
  const editLast = () => {
    const row = store.actions.lastEditable(model.id);
    if (row) editing.value = row.key;
    return row !== null;
  };
  return { problem, write, submit, editLast };
}

/** Keeps the field as high as its text, gives it the focus, and takes quotations over. */
function useComposerField(
  model: ConversationModel,
  field: { readonly current: HTMLTextAreaElement | null },
  write: (text: string) => void,
): void {
  const draft = model.draft.value;
  useLayoutEffect(() => {
    if (field.current) grow(field.current);
  }, [draft]);
  useEffect(() => {
    // On a touch screen the focus would open the keyboard over the messages.
    if (matchMedia('(pointer: fine)').matches && dialogIsClosed()) field.current?.focus();
  }, [model.id]);
  useSignalEffect(() => {
    const text = insertion.value;
    if (text === null) return;
    insertion.value = null;
    write(model.draft.peek() + text);
    field.current?.focus();
  });
}

function dialogIsClosed(): boolean {
  return dialog.peek() === null;
}
