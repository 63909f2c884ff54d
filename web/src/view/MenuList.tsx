// The list of a menu. Arrow keys move, Escape closes; it lies above everything and inside the window.

import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';

import { Icon, type IconName } from './Icon';
import type { MenuFrame } from './Menu';

export interface MenuItem {
  readonly label: string;
  readonly icon?: IconName | undefined;
  readonly danger?: boolean | undefined;
  readonly action: () => void;
}

interface Props {
  readonly frame: MenuFrame;
  /** Groups of items, with a line between them. */
  readonly groups: readonly (readonly MenuItem[])[];
  readonly header?: ComponentChildren;
}

export function MenuList({ frame, groups, header }: Props) {
  const { label, anchor, onClose } = frame;
  const ref = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const menu = ref.current;
    if (!menu) return;
    menu.showPopover();
    if (anchor) place(menu, anchor);
    menu.querySelector<HTMLElement>('[role=menuitem]')?.focus();
  }, [anchor]);
  useEffect(() => {
    const menu = ref.current;
    const closed = (event: Event) => {
      if (event instanceof ToggleEvent && event.newState === 'closed') onClose();
    };
    menu?.addEventListener('toggle', closed);
    return () => {
      menu?.removeEventListener('toggle', closed);
    };
  });
  return (
    <div ref={ref} popover="auto" class="menu" role="menu" aria-label={label} onKeyDown={moveFocus}>
      {header}
      {groups
        .filter((group) => group.length > 0)
        .map((group, index) => (
          <div key={index} class="menu-group" role="group">
            {group.map((item) => (
              <button
                key={item.label}
                type="button"
                role="menuitem"
                tabIndex={-1}
                class={item.danger ? 'menu-item danger' : 'menu-item'}
                onClick={() => {
                  onClose();
                  item.action();
                }}
              >
                {item.icon && <Icon name={item.icon} />}
                {item.label}
              </button>
            ))}
          </div>
        ))}
    </div>
  );
}

/** Puts the menu under its button, or above it where there is no room, and never outside the window. */
function place(menu: HTMLElement, anchor: HTMLElement): void {
  const box = anchor.getBoundingClientRect();
  const margin = 8;
  const below = box.bottom + menu.offsetHeight + margin < window.innerHeight;
  const top = below ? box.bottom + 4 : Math.max(margin, box.top - menu.offsetHeight - 4);
  const rtl = getComputedStyle(anchor).direction === 'rtl';
  const wanted = rtl ? box.left : box.right - menu.offsetWidth;
  const left = Math.min(Math.max(margin, wanted), window.innerWidth - menu.offsetWidth - margin);
  menu.style.top = `${String(top)}px`;
  menu.style.left = `${String(left)}px`;
}

function moveFocus(event: KeyboardEvent): void {
  const menu = event.currentTarget;
  if (!(menu instanceof HTMLElement)) return;
  const items = [...menu.querySelectorAll<HTMLElement>('[role=menuitem]')];
  const at = items.findIndex((item) => item === document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
  if (to !== undefined) {
    event.preventDefault();
    items.at(to % items.length)?.focus();
  } else if (event.key === 'Tab') {
    menu.hidePopover();
  } else if (event.key.length === 1) {
    const letter = event.key.toLowerCase();
    const rest = [...items.slice(at + 1), ...items.slice(0, at + 1)];
    rest.find((item) => item.textContent.trim().toLowerCase().startsWith(letter))?.focus();
  }
}
