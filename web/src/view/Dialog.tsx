// A modal dialog: the browser keeps the focus inside, Escape and a press outside close it, and the focus returns where it was.

import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef } from 'preact/hooks';

import { t } from '../locales';
import { IconButton } from './IconButton';

interface Props {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
  readonly size?: 'wide' | 'narrow' | 'top' | undefined;
  /** Without a visible head: the title is for screen readers only. */
  readonly bare?: boolean | undefined;
}

export function Dialog({ title, onClose, children, size = 'narrow', bare = false }: Props) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useLayoutEffect(() => {
    const dialog = ref.current;
    if (!dialog) return undefined;
    const before = document.activeElement;
    dialog.showModal();
    (dialog.querySelector<HTMLElement>('[data-first]') ?? dialog.querySelector('h2'))?.focus();
    return () => {
      dialog.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={ref}
      class={`dialog dialog-${size}`}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onPointerDown={(event) => {
        if (event.target === ref.current) onClose();
      }}
    >
      <div class="dialog-body">
        <header class={bare ? 'visually-hidden' : 'dialog-head'}>
          <h2 id={id} class="clamped" tabIndex={-1}>
            {title}
          </h2>
          {!bare && <IconButton icon="close" label={t('close')} onClick={onClose} />}
        </header>
        {children}
      </div>
    </dialog>
  );
}
