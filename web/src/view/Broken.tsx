// Stands instead of the page if a part of it cannot be loaded without which nothing can be shown. Perhaps not even the
// texts are there, so its words stand here, in all languages.

export function Broken() {
  return (
    <main class="door">
      <div class="card" role="alert">
        <p>A part of the page cannot be loaded.</p>
        <p lang="de">Ein Teil der Seite lässt sich nicht laden.</p>
        <button type="button" class="button wide" onClick={() => location.reload()}>
          Reload · Neu laden
        </button>
      </div>
    </main>
  );
}
