// Makes the store that the view uses, of a line to the hub and what the page gives.
import { computed } from '@preact/signals';
import { conversationActions, messageActions, sessionActions } from './actions';
import { Core, type Surroundings } from './core';
import type { Actions, Person, RoomListing, Store } from './model';
import { withLate, type EarlyActions } from './later';
import { targetOf } from '../protocol/target';

function actionsOf(core: Core): Actions {
  const early: EarlyActions = {
    ...sessionActions(core),
    ...conversationActions(core),
    ...messageActions(core),
    setSettings: (change) => core.changeSettings(change),
    dismiss: (key) => (core.notices.value = core.notices.value.filter((notice) => notice.key !== key)),
  };
  return withLate(core, early);
}

/** Names worth completing. */
function knownUsers({ models, session }: Core): readonly string[] {
  const names = new Set<string>();
  for (const model of models.value) {
    if (model.kind !== 'room') names.add(model.name);
    for (const user of model.users.value ?? []) names.add(user);
  }
  if (session.value.state === 'logged-in') names.add(session.value.user);
  return [...names].sort();
}

export function createStore(env: Surroundings): Store {
  const core = new Core(env);
  const following = computed(() =>
    core.models.value
      .filter((model) => model.kind === 'feed')
      .map((model) => model.name)
      .sort(),
  );
  const blocked = computed(() => core.book.value?.blocked.value ?? null);
  const isOpen = (room: string) => core.conversation(targetOf('room', room)) !== undefined;
  return {
    session: core.session,
    connection: core.connection,
    serverName: core.serverName,
    isOperator: computed(() => core.models.value.some((model) => model.role.value === 'operator')),
    conversations: core.conversations,
    shown: core.shown,
    totals: core.totals,
    notices: core.notices,
    rooms: computed(
      () => core.listing.value?.map((each): RoomListing => ({ ...each, open: isOpen(each.room) })) ?? null,
    ),
    following,
    followers: computed(() => core.book.value?.followers.value ?? null),
    blocked,
    settings: core.settings,
    knownUsers: computed(() => knownUsers(core)),
    conversation: (id) => core.conversation(id) ?? null,
    person: (user) =>
      computed<Person>(() => ({
        user,
        followed: following.value.includes(user),
        blocked: blocked.value?.includes(user) ?? false,
      })),
    onAttention: (listener) => {
      core.listeners.add(listener);
      return () => core.listeners.delete(listener);
    },
    actions: actionsOf(core),
  };
}
