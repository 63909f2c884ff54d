// A dialog that asks for something, or for a confirmation: says what will happen, does it, and shows why it did not happen.

import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';

import { t } from '../locales';
import type { Outcome, Problem } from '../store/model';
import { Dialog } from './Dialog';
import { problemText } from './problem';
import { dialog } from './ui';
import { say } from './useTell';

interface Props {
  readonly title: string;
  /** What the consequence is. */
  readonly text?: string | undefined;
  readonly submit: string;
  readonly danger?: boolean | undefined;
  readonly children?: ComponentChildren;
  /** What closes it; unless told, no dialog is open then. */
  readonly onClose?: (() => void) | undefined;
  readonly action: (field: (name: string) => string) => Promise<Outcome>;
  /** What is told when it is done. */
  readonly done?: ((field: (name: string) => string) => string) | undefined;
}

export function FormDialog(props: Props) {
  const { title, text, submit, danger = false, children, action, done, onClose = closeDialog } = props;
  const [problem, setProblem] = useState<Problem | null>(null);
  const [busy, setBusy] = useState(false);
  const onSubmit = async (form: HTMLFormElement) => {
    const data = new FormData(form);
    const field = (name: string) => textOf(data, name);
    setBusy(true);
    const outcome = await action(field);
    setBusy(false);
    setProblem(outcome.ok ? null : outcome.problem);
    if (!outcome.ok) return;
    onClose();
    if (done) say({ problem: null, text: done(field) });
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (!busy) void onSubmit(event.currentTarget);
        }}
      >
        {text !== undefined && <p>{text}</p>}
        {children}
        {problem && (
          <p class="wrong" role="alert">
            {problemText(problem)}
          </p>
        )}
        <div class="dialog-row">
          <button type="button" class="button quiet" onClick={onClose}>
            {t('cancel')}
          </button>
          <button
            type="submit"
            class={danger ? 'button danger' : 'button'}
            disabled={busy}
            data-first={children ? undefined : true}
          >
            {submit}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

export function closeDialog(): void {
  dialog.value = null;
}

function textOf(data: FormData, name: string): string {
  const value = data.get(name);
  return typeof value === 'string' ? value.trim() : '';
}
