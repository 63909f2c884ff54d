// When something is done that waits until the page is drawn. It does not know what that is.

/** Ms after which it is done in any case: a page that is hidden just now is not drawn any more. */
const LATEST = 250;

export interface Drawing {
  readonly visible: () => boolean;
  readonly frame: (run: () => void) => void;
  readonly after: (ms: number, run: () => void) => void;
}

/** Runs `run` once: when the page is drawn next, or after a moment if it is not. */
export function whenDrawn({ visible, frame, after }: Drawing, run: () => void): void {
  let isDone = false;
  const once = () => {
    if (isDone) return;
    isDone = true;
    run();
  };
  if (visible()) frame(once);
  after(visible() ? LATEST : 0, once);
}
