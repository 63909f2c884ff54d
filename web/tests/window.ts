// The window of a page, as far as the parts around the components use it: events, the address, the width, the focus.
import { vi } from 'vitest';

/** What has the focus, as far as it is asked what it is. */
interface Focused {
  /** The selector that it, or what it stands in, fits. */
  readonly inside?: string;
}

class TestDocument {
  /** What is found, by its selector. */
  readonly elements = new Map<string, object>();
  active: Focused | null = null;
  visibilityState = 'visible';
  isFocused = true;

  get activeElement(): object | null {
    const { active } = this;
    return (
      active && {
        closest: (selectors: string) => selectors.split(', ').find((each) => each === active.inside),
      }
    );
  }

  hasFocus(): boolean {
    return this.isFocused;
  }

  querySelector(selector: string): object | null {
    return this.elements.get(selector) ?? null;
  }
}

export class TestWindow {
  readonly document = new TestDocument();
  readonly events = new EventTarget();
  /** How the address was written, in its order. */
  readonly written: string[] = [];
  /** The media queries that fit. */
  readonly media = new Set<string>();
  readonly location = {
    hash: '',
    host: 'chat.example',
    hostname: 'chat.example',
    origin: 'https://chat.example',
  };

  /** Puts it in place of that of a browser, until `vi.unstubAllGlobals`. */
  install(userAgent = 'X11; Linux', languages: readonly string[] = ['en-US']): void {
    const write = (how: string) => (_state: unknown, _title: string, address: string) => {
      this.written.push(`${how} ${address}`);
      this.location.hash = address;
    };
    const { events } = this;
    const stubs = {
      window: this,
      location: this.location,
      navigator: { userAgent, languages },
      document: this.document,
      history: {
        replaceState: write('replace'),
        pushState: write('push'),
        back: () => this.written.push('back'),
      },
      matchMedia: (query: string) => ({ matches: this.media.has(query) }),
      addEventListener: events.addEventListener.bind(events),
      removeEventListener: events.removeEventListener.bind(events),
    };
    for (const [name, value] of Object.entries(stubs)) vi.stubGlobal(name, value);
  }

  /** Presses a key. Whether the page took it. */
  press(key: string, modifiers: Partial<KeyboardEvent> = {}): boolean {
    const event = new Event('keydown', { cancelable: true });
    const none = { ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, isComposing: false };
    Object.assign(event, { key, ...none, ...modifiers });
    this.events.dispatchEvent(event);
    return event.defaultPrevented;
  }

  /** Goes to another address, as a link or the back button does. */
  goTo(hash: string): void {
    this.location.hash = hash;
    this.events.dispatchEvent(new Event('hashchange'));
  }
}
