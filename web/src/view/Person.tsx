// The profile of a person, as soon as its part of the page is loaded.

import type { ConversationModel } from '../store/model';
import { pane } from './ui';
import { useMore } from './part';

interface Props {
  readonly user: string;
  readonly room: ConversationModel | null;
}

export function Person({ user, room }: Props) {
  const more = useMore(() => (pane.value = null));
  return more ? <more.PersonPane user={user} room={room} /> : <span class="spinner" />;
}
