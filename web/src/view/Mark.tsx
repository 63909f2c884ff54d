// The sign of the program: two speech bubbles.

export function Mark({ class: className }: { readonly class?: string | undefined }) {
  return (
    <svg class={className} viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" fill="#0b6357" />
      <path
        d="M8 8.5h12a2 2 0 012 2v5a2 2 0 01-2 2h-7l-4 3.5v-3.5H8a2 2 0 01-2-2v-5a2 2 0 012-2z"
        fill="#fff"
      />
      <path
        d="M24.5 13.5a2 2 0 011.5 2v5a2 2 0 01-2 2v3.5l-4-3.5h-4.5a2 2 0 01-1.8-1.2l.8-.8h5.5a4.5 4.5 0 004.5-4.5z"
        fill="#8fd8c8"
      />
    </svg>
  );
}
