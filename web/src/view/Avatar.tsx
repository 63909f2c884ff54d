// A square with the first letter of a name, in a colour that always belongs to that name.

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

function hueOf(name: string): number {
  let hash = 5381;
  for (const char of name) hash = (hash * 33 + char.charCodeAt(0)) >>> 0;
  return ((hash ^ (hash >>> 13)) >>> 0) % HUES;
}
