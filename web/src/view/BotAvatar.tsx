// What stands in place of the avatar of a person beside what a program says: a sign, in no colour of a person.

import { Icon } from './Icon';

export function BotAvatar() {
  return (
    <span class="avatar avatar-bot" aria-hidden="true">
      <Icon name="bot" />
    </span>
  );
}
