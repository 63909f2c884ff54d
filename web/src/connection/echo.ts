// What I did, as an event: the server tells others what I say and do, and me only that it is done. With the line and
// its answer the event can be told to all who show this conversation, as if it had come from the server.
import type { Ok } from '../protocol/replies';
import type { OtherOk, ServerEvent } from '../protocol/events';

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** What stands behind the first `words` words of a line: a text. */
function textBehind(line: string, words: number): string {
  const word = '(?:"(?:[^"\\\\]|\\\\.)*"|[^\\s"]\\S*)';
  const before = new RegExp(`^(?:${word}[ \\t]+){${words - 1}}${word}`, 'u').exec(line);
  return before === null ? '' : line.slice(before[0].length + 1);
}

/** The end of a duration in front of a reason, and the reason. */
function until(text: string, now: number): { readonly until: number | null; readonly reason: string } {
  const found = /^\s*(\d+)([smhdw])(?:\s+|$)/u.exec(text);
  if (found === null) return { until: null, reason: text.trim() };
  const seconds = Number(found[1]) * (UNITS[found[2] ?? ''] ?? 0);
  return { until: now + seconds * 1000, reason: text.slice(found[0].length) };
}

/** The line itself, without `/once <key>`. */
function bare(line: string): string {
  return /^\/once\s/iu.test(line) ? textBehind(line, 2) : line;
}

/**
 * What others hear of a line of mine that was answered by `ok`. `now` stands in for the time of the server, which
 * the answer does not tell.
 */
export function echoOf(me: string, whole: string, ok: Ok | OtherOk, now: number): ServerEvent[] {
  const line = bare(whole);
  const written = { time: now, from: me };
  switch (ok.command) {
    case 'message': {
      const said = /^\/say\s/iu.test(line) ? textBehind(line, 2) : line.replace(/^\/\//u, '/');
      return [{ type: 'message', room: ok.room, id: ok.id, ...written, text: said }];
    }
    case 'msg':
      return [{ type: 'direct', id: ok.id, ...written, to: ok.user, text: textBehind(line, 2) }];
    case 'publish':
      return [{ type: 'publication', id: ok.id, ...written, text: textBehind(line, 1) }];
    case 'edit':
      return [{ type: 'edited', room: ok.room, id: ok.id, of: ok.of, ...written, text: textBehind(line, 3) }];
    case 'remove':
      return [
        { type: 'removed', room: ok.room, id: ok.id, of: ok.of, ...written, reason: textBehind(line, 3) },
      ];
    case 'topic':
      return ok.id === undefined
        ? []
        : [{ type: 'topic', room: ok.room, id: ok.id, ...written, text: ok.topic }];
    default:
      return moderation(me, line, ok, now);
  }
}

/** A choice about a room, in the words of the server. */
function settingOf(ok: Extract<Ok, { command: 'access' | 'post' | 'retention' }>): string {
  if (ok.command === 'access') return ok.access;
  if (ok.command === 'post') return ok.post;
  const { retention } = ok;
  if (retention === null) return 'default';
  const unit = ['d', 'h', 'm'].find((name) => retention % (UNITS[name] ?? 1) === 0) ?? 's';
  return `${retention / (UNITS[unit] ?? 1)}${unit}`;
}

function moderation(me: string, line: string, ok: Ok | OtherOk, now: number): ServerEvent[] {
  const written = { time: now, from: me };
  switch (ok.command) {
    case 'access':
    case 'post':
    case 'retention': {
      const setting = settingOf(ok);
      const what = { action: ok.command, user: null, until: null, reason: setting };
      return [{ type: 'moderated', room: ok.room, id: ok.id, ...written, ...what }];
    }
    case 'invite':
    case 'kick':
    case 'ban':
    case 'unban':
    case 'mute':
    case 'unmute':
    case 'moderator':
    case 'unmoderator':
    case 'owner': {
      // An invitation to the server is shown before login, and is no entry of a room.
      if (!('user' in ok)) return [];
      const behind = textBehind(line, 3);
      const timed = ok.command === 'ban' || ok.command === 'mute';
      const what = timed ? until(behind, now) : { until: null, reason: behind };
      const did = { action: ok.command, user: ok.user, ...what };
      const events: ServerEvent[] = [{ type: 'moderated', room: ok.room, id: ok.id, ...written, ...did }];
      if (ok.command === 'invite' && ok.inbox > 0)
        events.push({ type: 'invited', id: ok.inbox, ...written, to: ok.user, room: ok.room });
      return events;
    }
    default:
      return [];
  }
}
