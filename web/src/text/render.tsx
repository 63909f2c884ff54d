// Turns parsed text into Preact nodes. It makes elements only, never markup from a string, so no text can become code.

import type { ComponentChildren } from 'preact';

import type { Inline } from './inline';

/** How a name in a text becomes a link inside the page, and whose mentions stand out. */
export interface TextContext {
  readonly me: string;
  readonly userHref: (user: string) => string;
  readonly roomHref: (room: string) => string;
}

/** The nodes of a line of text. */
export function renderInlines(inlines: readonly Inline[], context: TextContext): ComponentChildren {
  return inlines.map((part) => renderInline(part, context));
}

function renderInline(part: Inline, context: TextContext): ComponentChildren {
  switch (part.kind) {
    case 'text':
      return part.text;
    case 'code':
      return <code>{part.text}</code>;
    case 'link':
      return (
        <a href={part.href} target="_blank" rel="noopener noreferrer">
          {part.text}
        </a>
      );
    case 'user':
      return (
        <a class={part.name === context.me ? 'at at-me' : 'at'} href={context.userHref(part.name)}>
          {part.text}
        </a>
      );
    case 'room':
      return (
        <a class="at" href={context.roomHref(part.name)}>
          {part.text}
        </a>
      );
    case 'strong':
      return <strong>{renderInlines(part.children, context)}</strong>;
    case 'em':
      return <em>{renderInlines(part.children, context)}</em>;
    case 'strike':
      return <s>{renderInlines(part.children, context)}</s>;
  }
}
