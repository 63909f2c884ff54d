// Makes a text area as high as its text; the style sheet bounds it.

export function grow(area: HTMLTextAreaElement): void {
  area.style.height = 'auto';
  const border = area.offsetHeight - area.clientHeight;
  area.style.height = `${String(area.scrollHeight + border)}px`;
}
