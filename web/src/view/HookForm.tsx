// Makes a hook. What is wrong with its name stands at the field.

import { useState } from 'preact/hooks';

import { t } from '../locales';
import type { Problem } from '../store/model';
import { useStore } from './context';
import { LONGEST_USER, NAME_PATTERN } from './names';
import { problemText } from './problem';
import { TextField } from './TextField';

/** The label by which lists show outgoing hooks, so that no program speaks in this name. */
const OUTGOING = 'outgoing';

interface Props {
  readonly room: string;
  readonly onMade: (address: string) => void;
}

export function HookForm({ room, onMade }: Props) {
  const store = useStore();
  const [wrong, setWrong] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const make = async (form: HTMLFormElement) => {
    const typed = new FormData(form).get('label');
    const label = typeof typed === 'string' ? typed.trim().toLowerCase() : '';
    setBusy(true);
    const outcome = await store.actions.makeHook(room, label);
    if (outcome.ok) {
      onMade(outcome.value);
      return;
    }
    const hooks = await store.actions.listHooks(room);
    setBusy(false);
    const isThere = hooks.ok && hooks.value.some((hook) => hook.label === label);
    setWrong(label === OUTGOING ? t('hooks.outgoing-label') : reason(outcome.problem, isThere));
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (!busy) void make(event.currentTarget);
      }}
    >
      <TextField
        label={t('hooks.label')}
        name="label"
        hint={t('hooks.label-hint')}
        wrong={wrong}
        pattern={NAME_PATTERN}
        patternHint={t('problem.bad-name')}
        maxLength={LONGEST_USER}
        required
        autofocus
      />
      <div class="dialog-row">
        <button type="submit" class="button" disabled={busy}>
          {t('hooks.make')}
        </button>
      </div>
    </form>
  );
}

/** Why there is no hook. The words of the page say more about it than those for the code. */
function reason(problem: Problem, isThere: boolean): string {
  switch (problem.code) {
    case 'name-taken':
      return t('hooks.of-person');
    case 'limit-reached':
      return t('hooks.limit');
    case 'bad-argument':
      return t(isThere ? 'hooks.is-there' : 'hooks.no-door');
    default:
      return problemText(problem);
  }
}
