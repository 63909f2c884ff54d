// A field for the name of a user, which suggests those that are known here.

import { t } from '../locales';
import { useMe, useStore } from './context';
import { LONGEST_USER, NAME_PATTERN } from './names';
import { TextField } from './TextField';

interface Props {
  readonly without?: ReadonlySet<string>;
  readonly value?: string;
}

export function UserField({ without, value }: Props) {
  const store = useStore();
  const me = useMe();
  const options = store.knownUsers.value.filter((user) => user !== me && without?.has(user) !== true);
  return (
    <TextField
      label={t('field.user')}
      name="user"
      value={value}
      pattern={NAME_PATTERN}
      patternHint={t('problem.bad-name')}
      maxLength={LONGEST_USER}
      options={options}
      required
      autofocus
    />
  );
}
