//! Messages to users that are not logged.

use crate::harness::{Bench, notice};

pub(crate) fn everybody_hears_a_broadcast(bench: &Bench) {
    bench.store.bus.broadcast(&notice("all")).unwrap();
    bench.settle();
    assert_eq!(bench.sink.notices(), [notice("all")]);
}
