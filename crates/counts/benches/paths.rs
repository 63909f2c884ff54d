//! Times of the paths that every message takes: `cargo bench -p parlor-counts`. It must not judge them. The instruction
//! counts do that, since they depend less on the machine.

use divan::Bencher;
use parlor_counts::paths::{self, PATHS};

fn main() {
    divan::main();
}

#[divan::bench(args = PATHS)]
fn path(bencher: Bencher<'_, '_>, name: &str) {
    // A path that fails has no result, so the benchmark panics.
    let mut path = paths::prepare(name).expect("a path that can be prepared");
    bencher.bench_local(|| path().expect("a path that can be repeated"));
}
