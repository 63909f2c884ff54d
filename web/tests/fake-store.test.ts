// The fake store behaves as the view expects of a store.
import { describe, expect, it } from 'vitest';
import { fakeStore } from './fake-store';

describe('the fake store', () => {
  it('shows what is said', () => {
    const store = fakeStore();
    store.actions.send('#lobby', 'one\ntwo');
    const texts = store
      .conversation('#lobby')
      ?.rows.value.map((row) => (row.kind === 'message' ? row.text : ''));
    expect(texts?.slice(-2)).toEqual(['one', 'two']);
  });
});
