// Which pages are asked for, and what becomes of their answers.
import { effect, signal } from '@preact/signals';
import { describe, expect, it } from 'vitest';
import { failed } from '../connection/outcome';
import type { AnswerOf } from '../protocol/events';
import { Conversation } from './conversation';
import type { Link } from './link';
import { Loader } from './loader';
import type { Outcome } from './model';
import { TestClock, settle } from '../../tests/clock';

type Backlog = AnswerOf<'backlog'>;

class Scene {
  readonly clock = new TestClock();
  readonly asked: string[] = [];
  readonly renumbered: string[] = [];
  readonly room: Conversation;
  readonly loader: Loader;
  private readonly waiting: ((outcome: Outcome<Backlog>) => void)[] = [];

  constructor(last = 100) {
    const around = { me: 'alice', mention: /alice/, isMuted: () => false, outbox: signal([]) };
    this.room = new Conversation('#red', { epoch: 'e', last }, around);
    const link = {
      expect: (line: string) => {
        this.asked.push(line);
        return new Promise<Outcome<Backlog>>((resolve) => this.waiting.push(resolve));
      },
    };
    this.loader = new Loader(link as unknown as Link, this.clock.after, (_, epoch) =>
      this.renumbered.push(epoch),
    );
  }

  /** Answers the oldest question with messages of these ids. */
  async answer(ids: readonly number[], more: boolean, epoch = 'e'): Promise<void> {
    const entries = ids.map(
      (id) => ({ type: 'message', id, time: id, from: 'bob', text: `text ${id}` }) as const,
    );
    await this.settle({
      ok: true,
      value: { type: 'backlog', target: '#red', epoch, entries, more } as unknown as Backlog,
    });
  }

  async settle(outcome: Outcome<Backlog>): Promise<void> {
    this.waiting.shift()?.(outcome);
    await settle();
  }

  get ids(): readonly number[] {
    return this.room.window.records.map(({ id }) => id);
  }
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n);

/** A room of which the ids 51 to 100 are held. */
async function held(): Promise<Scene> {
  const scene = new Scene();
  void scene.loader.newest(scene.room);
  await scene.answer(range(51, 100), true);
  scene.asked.length = 0;
  return scene;
}

describe('the next page', () => {
  it('is asked for by whoever sees at once that there is more, and sees nothing move', async () => {
    const scene = await held();
    effect(() => {
      if (scene.room.older.value === 'more') void scene.loader.older(scene.room);
    });
    await scene.answer(range(26, 50), true);
    await scene.answer(range(1, 25), false);
    expect(scene.ids).toEqual(range(1, 100));

    Object.assign(scene.room.window, { attached: false, hi: 100 });
    scene.room.newer.value = 'more';
    effect(() => {
      if (scene.room.newer.value === 'more') void scene.loader.newer(scene.room);
    });
    await scene.answer(range(101, 150), true);
    await scene.answer(range(151, 160), false);
    expect(scene.ids).toEqual(range(1, 160));
  });
});

describe('the newest page', () => {
  it('is asked for once, and not again while it is held, unless that is wanted', async () => {
    const scene = new Scene();
    const first = scene.loader.newest(scene.room);
    expect(scene.loader.newest(scene.room)).toBe(first);
    expect(scene.asked).toEqual(['/backlog #red 50']);
    await scene.answer(range(51, 100), true);
    expect(await first).toEqual({ ok: true, value: undefined });
    expect(await scene.loader.newest(scene.room)).toMatchObject({ ok: true });
    expect(scene.asked).toHaveLength(1);
    void scene.loader.newest(scene.room, true);
    expect(scene.asked).toHaveLength(2);
  });

  it('has behind it what was heard meanwhile', async () => {
    const scene = new Scene(2);
    void scene.loader.newest(scene.room);
    scene.room.live(3, { type: 'message', id: 3, time: 3, from: 'bob', text: 'text 3' });
    await scene.answer([1, 2], false);
    expect(scene.ids).toEqual([1, 2, 3]);
    expect(scene.room.early).toBeNull();
  });

  it('is not held if it does not come, and can be asked for again', async () => {
    const scene = new Scene();
    const outcome = scene.loader.newest(scene.room);
    await scene.settle(failed('connection-lost'));
    expect(await outcome).toEqual(failed('connection-lost'));
    expect([scene.room.loaded.value, scene.room.early]).toEqual([false, null]);
    void scene.loader.newest(scene.room);
    expect(scene.asked).toHaveLength(2);
  });

  it('of a conversation that was reset meanwhile is dropped', async () => {
    const scene = new Scene();
    const outcome = scene.loader.newest(scene.room);
    scene.room.reset();
    await scene.answer([1], false);
    expect(await outcome).toEqual(failed('connection-lost'));
    expect(scene.room.loaded.value).toBe(false);
  });

  it('of another numbering is dropped, and that is told', async () => {
    const scene = new Scene();
    const outcome = scene.loader.newest(scene.room);
    await scene.answer([1], false, 'other');
    expect(await outcome).toEqual(failed('connection-lost'));
    expect([scene.renumbered, scene.room.loaded.value]).toEqual([['other'], false]);
  });

  it('of a numbering that is void by now is dropped, and that is known', async () => {
    const scene = new Scene();
    void scene.loader.newest(scene.room);
    scene.room.log.epoch = 'other';
    await scene.answer([1], false, 'e');
    expect([scene.renumbered, scene.room.loaded.value]).toEqual([[], false]);
  });

  it('is asked for anew on another connection', async () => {
    const scene = new Scene();
    const before = scene.loader.newest(scene.room);
    scene.loader.restart();
    expect(scene.loader.newest(scene.room)).not.toBe(before);
    expect(scene.asked).toHaveLength(2);
    await scene.answer([1], false);
    expect(scene.room.loaded.value).toBe(false);
    await scene.answer([1, 2], false);
    expect(scene.ids).toEqual([1, 2]);
  });
});

describe('older entries', () => {
  it('are asked for from the first that is held, until there are none', async () => {
    const scene = await held();
    const outcome = scene.loader.older(scene.room);
    expect([scene.asked, scene.room.older.value]).toEqual([['/backlog #red before 51 50'], 'loading']);
    await scene.answer(range(11, 50), true);
    expect([await outcome, scene.room.older.value]).toEqual([{ ok: true, value: undefined }, 'more']);
    void scene.loader.older(scene.room);
    expect(scene.asked.at(-1)).toBe('/backlog #red before 11 50');
    await scene.answer(range(1, 10), false);
    expect([scene.ids, scene.room.older.value]).toEqual([range(1, 100), 'end']);
    await scene.loader.older(scene.room);
    expect(scene.asked).toHaveLength(2);
  });

  it('are not asked for before the newest page', async () => {
    const scene = new Scene();
    await scene.loader.older(scene.room);
    await scene.loader.newer(scene.room);
    expect(scene.asked).toEqual([]);
  });

  it('that fail are told, and asked for again', async () => {
    const scene = await held();
    const outcome = scene.loader.older(scene.room);
    await scene.settle(failed('not-connected'));
    expect([await outcome, scene.room.older.value]).toEqual([failed('not-connected'), 'failed']);
    void scene.loader.older(scene.room);
    expect(scene.asked).toHaveLength(2);
  });

  it('that do not fit any more are dropped', async () => {
    const scene = await held();
    void scene.loader.older(scene.room);
    scene.room.window.lo = 70;
    await scene.answer(range(1, 50), false);
    expect([scene.ids, scene.room.older.value]).toEqual([range(51, 100), 'more']);
  });
});

describe('newer entries', () => {
  /** A room of which the ids 51 to 100 are held, and that has more. */
  async function detached(): Promise<Scene> {
    const scene = await held();
    scene.room.window.attached = false;
    scene.room.newer.value = 'more';
    scene.room.log.last = 300;
    return scene;
  }

  it('are asked for from the last that is held, until the end', async () => {
    const scene = await detached();
    const outcome = scene.loader.newer(scene.room);
    expect([scene.asked, scene.room.newer.value]).toEqual([['/backlog #red after 100 50'], 'loading']);
    await scene.answer(range(101, 150), true);
    expect([await outcome, scene.room.newer.value, scene.room.window.attached]).toEqual([
      { ok: true, value: undefined },
      'more',
      false,
    ]);
    void scene.loader.newer(scene.room);
    await scene.answer(range(151, 300), false);
    expect([scene.room.newer.value, scene.room.window.attached, scene.room.window.holes]).toEqual([
      'end',
      true,
      [],
    ]);
    await scene.loader.newer(scene.room);
    expect(scene.asked).toHaveLength(2);
  });

  it('are followed by a hole for what came meanwhile, which is filled', async () => {
    const scene = await detached();
    void scene.loader.newer(scene.room);
    scene.room.log.last = 302;
    await scene.answer(range(101, 300), false);
    expect(scene.room.window.holes).toEqual([{ from: 301, to: 302 }]);
    await scene.clock.advance(400);
    expect(scene.asked.at(-1)).toBe('/backlog #red after 300 50');
  });

  it('that fail or do not fit any more are not taken', async () => {
    const scene = await detached();
    const outcome = scene.loader.newer(scene.room);
    await scene.settle(failed('not-connected'));
    expect([await outcome, scene.room.newer.value]).toEqual([failed('not-connected'), 'failed']);
    void scene.loader.newer(scene.room);
    scene.room.window.hi = 90;
    await scene.answer(range(101, 150), true);
    expect([scene.ids.at(-1), scene.room.newer.value]).toEqual([100, 'more']);
    void scene.loader.newer(scene.room);
    scene.room.window.attached = true;
    await scene.answer(range(91, 150), true);
    expect(scene.ids.at(-1)).toBe(100);
  });
});

describe('what is new since I was away', () => {
  it('is loaded from its beginning, in place of what is held', async () => {
    const scene = await held();
    scene.room.newAfter.value = 10;
    void scene.loader.firstNew(scene.room);
    expect([scene.asked, scene.room.newer.value]).toEqual([['/backlog #red after 10 50'], 'end']);
    await scene.answer(range(11, 60), true);
    expect([scene.ids, scene.room.older.value, scene.room.newer.value]).toEqual([
      range(11, 60),
      'more',
      'more',
    ]);
    expect(scene.room.rows.value.find(({ kind }) => kind !== 'day')?.kind).toBe('new');
    void scene.loader.newer(scene.room);
    await scene.answer(range(61, 100), false);
    expect([scene.ids, scene.room.newer.value]).toEqual([range(11, 100), 'end']);
  });

  it('is not asked for where nothing is new, and changes nothing if it does not come', async () => {
    const scene = await held();
    await scene.loader.firstNew(scene.room);
    expect(scene.asked).toEqual([]);
    scene.room.newAfter.value = 10;
    void scene.loader.firstNew(scene.room);
    await scene.settle(failed('not-connected'));
    expect([scene.ids, scene.room.newer.value]).toEqual([range(51, 100), 'end']);
  });
});

describe('a hole', () => {
  it('is filled after a while, in parts, by one question at a time', async () => {
    const scene = await held();
    scene.room.window.miss(900);
    scene.loader.mend(scene.room);
    scene.loader.mend(scene.room);
    await scene.clock.advance(399);
    expect(scene.asked).toEqual([]);
    await scene.clock.advance(1);
    expect(scene.asked).toEqual(['/backlog #red after 100 500']);
    await scene.answer(range(101, 600), true);
    expect(scene.asked.at(-1)).toBe('/backlog #red after 600 300');
    await scene.answer(range(601, 900), false);
    expect([scene.asked.length, scene.room.window.holes, scene.room.newest]).toEqual([2, [], 900]);
  });

  it('is asked for with a whole page at least, and not if it is filled by then', async () => {
    const scene = await held();
    scene.room.window.miss(102);
    scene.loader.mend(scene.room);
    await scene.clock.advance(400);
    expect(scene.asked).toEqual(['/backlog #red after 100 50']);
    const other = await held();
    other.loader.mend(other.room);
    other.room.window.miss(101);
    other.loader.mend(other.room);
    other.room.live(101, { type: 'message', id: 101, time: 1, from: 'bob', text: 'x' });
    await other.clock.advance(400);
    expect(other.asked).toEqual([]);
  });

  it('is tried again if the store is away, and left otherwise', async () => {
    const scene = await held();
    scene.room.window.miss(101);
    scene.loader.mend(scene.room, 0);
    await scene.clock.advance(0);
    await scene.settle({ ok: false, problem: { code: 'store-unavailable' } });
    await scene.clock.advance(2_999);
    expect(scene.asked).toHaveLength(1);
    await scene.clock.advance(1);
    expect(scene.asked).toHaveLength(2);
    await scene.settle(failed('connection-lost'));
    await scene.clock.advance(60_000);
    expect(scene.asked).toHaveLength(2);
  });
});

describe('in the background', () => {
  it('is learnt when something was said last, once', async () => {
    const scene = new Scene();
    scene.room.newest = 100;
    void scene.loader.background([scene.room]);
    expect(scene.asked).toEqual(['/backlog #red 1']);
    await scene.answer([100], true);
    expect([scene.room.activity.value, scene.room.loaded.value]).toEqual([100, false]);
    void scene.loader.background([scene.room]);
    expect(scene.asked).toHaveLength(1);
    scene.room.newest = 101;
    scene.room.activity.value = 500;
    void scene.loader.background([scene.room]);
    await scene.answer([101], true);
    expect([scene.asked.length, scene.room.activity.value]).toEqual([2, 500]);
  });

  it('is loaded what is unread, and nothing of what is held or empty', async () => {
    const scene = new Scene();
    void scene.loader.background([scene.room]);
    expect(scene.asked).toEqual([]);
    scene.room.newest = 100;
    scene.room.unread.value = 1;
    void scene.loader.background([scene.room]);
    expect(scene.asked).toEqual(['/backlog #red 50']);
    await scene.answer([100], true);
    scene.room.newest = 101;
    void scene.loader.background([scene.room]);
    expect(scene.asked).toHaveLength(1);
  });

  it('nothing more is asked for by a connection that is gone', async () => {
    const scene = new Scene();
    const other = new Scene();
    scene.room.newest = other.room.newest = 100;
    void scene.loader.background([scene.room, other.room]);
    scene.loader.restart();
    await scene.answer([100], true);
    expect(scene.asked).toHaveLength(1);
  });
});
