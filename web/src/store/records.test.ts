// What is kept of an entry, and what edits and removals make of it.
import { describe, expect, it } from 'vitest';
import { changed, isChange, recordOf, type MessageRecord } from './records';

const written = { time: 5, from: 'bob' };

function message(fields: Partial<MessageRecord> = {}): MessageRecord {
  const record: MessageRecord = {
    kind: 'message',
    id: 1,
    ...written,
    isBot: false,
    text: 'text',
    edited: null,
    removed: null,
    change: 0,
  };
  return { ...record, ...fields };
}

const edit = (id: number, text: string) =>
  ({ type: 'edited', id, time: id, from: 'bob', of: 1, text }) as const;
const removal = (id: number, reason: string) =>
  ({ type: 'removed', id, time: id, from: 'carol', of: 1, reason }) as const;

describe('a record', () => {
  it('keeps a message, a publication or a direct message as it reads now', () => {
    expect(recordOf({ type: 'message', id: 1, ...written, text: 'text' })).toEqual(message());
    expect(recordOf({ type: 'message', id: 1, ...written, text: 'text', edited: 9 })).toEqual(
      message({ edited: 9 }),
    );
    expect(recordOf({ type: 'message', id: 1, ...written, text: 'text', bot: true })).toEqual(
      message({ isBot: true }),
    );
    expect(recordOf({ type: 'publication', id: 1, ...written, text: 'text' })).toEqual(message());
    expect(recordOf({ type: 'direct', id: 1, ...written, to: 'alice', text: 'text' })).toEqual(message());
  });

  it('does not know who removed a message of a page', () => {
    expect(recordOf({ type: 'message', id: 1, ...written, text: '', removed: true })).toEqual(
      message({ text: '', removed: { by: null, reason: null } }),
    );
  });

  it('keeps any other entry whole', () => {
    const topic = { type: 'topic', id: 2, ...written, text: 't' } as const;
    const invited = { type: 'invited', id: 3, ...written, to: 'alice', room: 'red' } as const;
    expect(recordOf(topic)).toEqual({ kind: 'other', id: 2, ...written, entry: topic });
    expect(recordOf(invited)).toEqual({ kind: 'other', id: 3, ...written, entry: invited });
  });

  it('is made of what is no change', () => {
    expect([edit(2, 'x'), removal(2, '')].map(isChange)).toEqual([true, true]);
    expect(isChange({ type: 'message', id: 1, ...written, text: 'text' })).toBe(false);
  });
});

describe('a change', () => {
  it('has a new text and its time, and is remembered', () => {
    expect(changed(message(), edit(7, 'new'))).toEqual(message({ text: 'new', edited: 7, change: 7 }));
  });

  it('has no effect twice, or behind a later one', () => {
    const record = changed(message(), edit(7, 'new'));
    expect(changed(record, edit(7, 'again'))).toBe(record);
    expect(changed(record, removal(6, ''))).toBe(record);
  });

  it('takes the text away, and tells a reason only if there is one', () => {
    const removed = { by: 'carol', reason: 'spam' };
    expect(changed(message(), removal(8, 'spam'))).toEqual(message({ text: '', removed, change: 8 }));
    expect(changed(message(), removal(8, '')).removed).toEqual({ by: 'carol', reason: null });
  });

  it('says nothing if it was changed again, and does not bring a text back', () => {
    const record = message();
    expect(changed(record, edit(7, ''))).toBe(record);
    const gone = message({ text: '', removed: { by: null, reason: null } });
    expect(changed(gone, edit(9, 'back'))).toBe(gone);
  });
});
