// A button that opens a menu. The list of the menu is a part of the page that is loaded when it is wanted first.

import type { ComponentChildren } from 'preact';
import { useRef, useState } from 'preact/hooks';

import { IconButton } from './IconButton';
import { useMore, type More } from './part';

/** What a list needs to know of its button. */
export interface MenuFrame {
  readonly label: string;
  readonly anchor: HTMLElement | null;
  readonly onClose: () => void;
}

interface Props {
  readonly label: string;
  readonly list: (more: More, frame: MenuFrame) => ComponentChildren;
}

export function Menu({ label, list }: Props) {
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  return (
    <>
      <IconButton
        icon="more"
        label={label}
        menu
        expanded={open}
        buttonRef={button}
        onClick={() => setOpen(!open)}
      />
      {open && <List list={list} frame={{ label, anchor: button.current, onClose: close }} />}
    </>
  );
}

function List({ list, frame }: { readonly list: Props['list']; readonly frame: MenuFrame }) {
  const loaded = useMore(frame.onClose);
  return <>{loaded && list(loaded, frame)}</>;
}
