// Asks a moderator before something happens to a user, and names the consequence.

import { t } from '../locales';
import type { Actions, Outcome } from '../store/model';
import { useStore } from './context';
import { DurationField } from './DurationField';
import { FormDialog } from './FormDialog';
import { TextField } from './TextField';
import type { UserAct } from './ui';
import { UserField } from './UserField';

interface Props {
  readonly room: string;
  readonly act: UserAct;
  /** Empty if the name is still to be asked for. */
  readonly user: string;
}

export function UserActDialog({ room, act, user }: Props) {
  const { actions } = useStore();
  const hasReason = act === 'kick' || act === 'ban';
  return (
    <FormDialog
      title={t(`act.${act}-title`, { user, room })}
      text={t(`act.${act}-text`, { user })}
      submit={t(`act.${act}-do`, { user })}
      danger={hasReason || act === 'owner'}
      action={(field) =>
        run(actions, act, room, user || field('user').toLowerCase(), field('duration'), field('reason'))
      }
    >
      {user === '' && <UserField />}
      {(act === 'ban' || act === 'mute') && <DurationField chosen={act === 'ban' ? '7d' : '10m'} />}
      {hasReason && (
        <TextField label={t('field.reason')} name="reason" hint={t('field.optional')} autofocus />
      )}
    </FormDialog>
  );
}

function run(
  actions: Actions,
  act: UserAct,
  room: string,
  user: string,
  duration: string,
  reason: string,
): Promise<Outcome> {
  switch (act) {
    case 'kick':
      return actions.kick(room, user, reason || undefined);
    case 'ban':
      return actions.ban(room, user, duration || undefined, reason || undefined);
    case 'unban':
      return actions.unban(room, user);
    case 'mute':
      return actions.mute(room, user, duration || undefined);
    case 'unmute':
      return actions.unmute(room, user);
    case 'moderator':
    case 'unmoderator':
      return actions.setModerator(room, user, act === 'moderator');
    case 'owner':
      return actions.giveRoom(room, user);
  }
}
