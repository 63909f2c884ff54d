// Calls the user: a desktop notification if it is wanted and allowed, and a short tone if it is wanted.

import { nameOf, kindOf } from '../protocol/target';
import { t } from '../locales';
import type { Attention, Store } from '../store/model';
import { authorText } from './author';

const TONE_SECONDS = 0.25;
const LOUDNESS = 0.12;

/** Calls the user, unless the user is looking at it. */
export function call(store: Store, attention: Attention): void {
  const seen = document.visibilityState === 'visible' && document.hasFocus();
  if (seen && store.shown.peek() === attention.conversation) return;
  const { sound, notifications } = store.settings.peek();
  if (sound) void playTone();
  if (notifications && !seen && mayNotify()) notify(store, attention);
}

/** Whether the browser knows notifications at all. */
export function knowsNotifications(): boolean {
  return 'Notification' in window;
}

/** Asks the user by a dialog of the browser. True if notifications are allowed. */
export async function askToNotify(): Promise<boolean> {
  return knowsNotifications() && (await Notification.requestPermission()) === 'granted';
}

function mayNotify(): boolean {
  return knowsNotifications() && Notification.permission === 'granted';
}

function notify(store: Store, attention: Attention): void {
  const room = nameOf(attention.conversation);
  const from = authorText({ author: attention.from, isBot: attention.isBot });
  const title = kindOf(attention.conversation) === 'room' ? t('attention.mention', { from, room }) : from;
  try {
    const shown = new Notification(title, {
      body: attention.text,
      tag: attention.conversation,
      icon: '/favicon.svg',
    });
    shown.onclick = () => {
      window.focus();
      store.actions.show(attention.conversation);
      shown.close();
    };
  } catch (error) {
    // Some phones know the class but allow it in service workers only.
    console.warn('no notification can be shown', error);
  }
}

let audio: AudioContext | null = null;

/** Two soft tones. Nothing sounds before the user touched the page, since browsers forbid it. */
export async function playTone(): Promise<void> {
  audio ??= new AudioContext();
  await audio.resume();
  const now = audio.currentTime;
  for (const [index, pitch] of [660, 880].entries()) {
    const start = now + (index * TONE_SECONDS) / 2;
    const tone = new OscillatorNode(audio, { type: 'sine', frequency: pitch });
    const volume = new GainNode(audio, { gain: 0 });
    volume.gain.setValueAtTime(0, start);
    volume.gain.linearRampToValueAtTime(LOUDNESS, start + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.001, start + TONE_SECONDS);
    tone.connect(volume).connect(audio.destination);
    tone.start(start);
    tone.stop(start + TONE_SECONDS);
  }
}
