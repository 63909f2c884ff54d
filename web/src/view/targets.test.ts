// What the search box finds.
import { describe, expect, it } from 'vitest';
import { fakeStore } from '../../tests/fake-store';
import { findTargets, type Places } from './targets';

const PLACES: Places = {
  conversations: fakeStore().conversations.value,
  rooms: [
    { room: 'garden', members: 5, open: true },
    { room: 'gardening-tools', members: 2, open: false },
  ],
  users: ['alice', 'bob', 'gary'],
  me: 'alice',
};
const found = (text: string) => findTargets(text, PLACES).map(({ action, id }) => `${action} ${id}`);

describe('the search box', () => {
  it('shows what has something new first', () => {
    expect(found('').slice(0, 4)).toEqual(['show #greenhouse', 'show #lobby', 'show @bob', 'show +erin']);
  });

  it('puts the exact name first, and offers rooms and people that do not exist yet', () => {
    expect(found('garden')).toEqual(['show #garden', 'open #gardening-tools', 'write @garden']);
    expect(found('ga')).toEqual([
      'show #garden',
      'open #gardening-tools',
      'write @gary',
      'make #ga',
      'write @ga',
    ]);
  });

  it('offers to make no room before it is known which there are', () => {
    const early = findTargets('ga', { ...PLACES, rooms: null }).map(({ action, id }) => `${action} ${id}`);
    expect(early).toEqual(['show #garden', 'write @gary', 'write @ga']);
  });

  it('keeps to one kind after a sigil', () => {
    expect(found('#ga')).toEqual(['show #garden', 'open #gardening-tools', 'make #ga']);
    expect(found('@b')).toEqual(['show @bob', 'write @b']);
    expect(found('+we')).toEqual(['show +weather-bot']);
  });

  it('makes a name of several words, and refuses what can be no name', () => {
    expect(found('#New Idea')).toEqual(['make #new-idea']);
    expect(found('äöü')).toEqual([]);
    expect(found('@alice')).toEqual([]);
  });
});
