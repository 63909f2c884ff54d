//! Messages to users that are not logged.

use crate::harness::{Bench, direct, name};

pub(crate) fn one_is_reached_or_offline(bench: &Bench) {
    let bus = &bench.store.bus;
    bench.sink.set_here("bob", false);
    assert!(!bus.direct(&name("bob"), &direct("hi")).unwrap());
    let _bob = bench.session_key("bob");
    bench.sink.set_here("bob", true);
    assert!(bus.direct(&name("bob"), &direct("hi")).unwrap());
    assert_eq!(bench.sink.directs(), [direct("hi")]);
}

pub(crate) fn everybody_hears_a_broadcast(bench: &Bench) {
    bench.store.bus.broadcast(&direct("all")).unwrap();
    bench.settle();
    assert_eq!(bench.sink.notices(), [direct("all")]);
}
