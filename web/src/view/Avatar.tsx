// A square with the first letter of a name, in a colour that always belongs to that name.

import { Icon } from './Icon';

const HUES = 12;

export function Avatar({
  name,
  size,
}: {
  readonly name: string;
  readonly size?: 'small' | 'large' | undefined;
}) {
  const classes = ['avatar', `hue-${String(hueOf(name))}`];
  if (size) classes.push(`avatar-${size}`);
  return (
    <span class={classes.join(' ')} aria-hidden="true">
      {name.charAt(0).toUpperCase()}
    </span>
  );
}

/** That of a program: a sign instead of a letter, and no colour of a person. */
export function BotAvatar() {
  return (
    <span class="avatar avatar-bot" aria-hidden="true">
      <Icon name="bot" />
    </span>
  );
}

function hueOf(name: string): number {
  let hash = 5381;
  for (const char of name) hash = (hash * 33 + char.charCodeAt(0)) >>> 0;
  return ((hash ^ (hash >>> 13)) >>> 0) % HUES;
}
