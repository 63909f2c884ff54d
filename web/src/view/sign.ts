// The sign of the page in the tab: a dot if something is unread, a number if it concerns me.

const BUBBLES =
  '<rect width="32" height="32" rx="8" fill="#0b6357"/>' +
  '<path d="M8 8.5h12a2 2 0 012 2v5a2 2 0 01-2 2h-7l-4 3.5v-3.5H8a2 2 0 01-2-2v-5a2 2 0 012-2z" fill="#fff"/>' +
  '<path d="M24.5 13.5a2 2 0 011.5 2v5a2 2 0 01-2 2v3.5l-4-3.5h-4.5a2 2 0 01-1.8-1.2l.8-.8h5.5a4.5 4.5 0 004.5-4.5z" fill="#8fd8c8"/>';

/** Shows how much is waiting. */
export function showCount(mentions: number, unread: boolean): void {
  const link = document.querySelector<HTMLLinkElement>('link[rel=icon]');
  if (!link) return;
  const href = mentions === 0 && !unread ? '/favicon.svg' : addressOf(mentions);
  if (link.getAttribute('href') !== href) link.href = href;
}

function addressOf(mentions: number): string {
  const count = mentions > 9 ? '9+' : String(mentions);
  const mark =
    mentions > 0
      ? `<circle cx="22" cy="10" r="10" fill="#b3261e"/><text x="22" y="15" font-family="sans-serif" font-size="14" font-weight="700" fill="#fff" text-anchor="middle">${count}</text>`
      : '<circle cx="25" cy="7" r="7" fill="#e0a93b"/>';
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">${BUBBLES}${mark}</svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}
