//! Results as tables in Markdown, on standard output. It must not compute anything but medians and ratios.

use crate::record::CaseResult;
use crate::scenario::Scenario;
use crate::servers::ServerKind;

/// A column: its title, the figure in it, and its decimals.
type Column = (&'static str, &'static str, usize);

const TALK: &[Column] = &[
    ("deliveries/s", "deliveries_per_second", 0),
    ("p50 ms", "latency_p50_ms", 2),
    ("p99 ms", "latency_p99_ms", 2),
    ("tool µs", "tool_cpu_us_per_delivery", 2),
    ("tool cores", "tool_cores", 2),
];
const IDLE: &[Column] = &[
    ("kernel stack", "kernel_stack_kib_per_client", 1),
    ("page tables", "page_table_kib_per_client", 1),
    ("slab, both sides", "slab_kib_per_client_both_sides", 1),
    ("threads", "threads_per_client", 2),
    ("descriptors", "descriptors_per_client", 2),
    ("CPU µs/s", "idle_cpu_us_per_second", 0),
    ("all in after s", "entered_seconds", 1),
];
const CHURN: &[Column] = &[
    ("CPU µs with the hash", "server_cpu_us_per_cycle", 0),
    ("hash µs", "hash_cpu_us", 0),
    ("cycles/s", "cycles_per_second", 0),
];

/// Prints the rows of a case. Prints a table head first if the case before was of another kind.
pub(crate) fn print(before: Option<&CaseResult>, outcome: &CaseResult) {
    let scenario = &outcome.case.scenario;
    let (headline, columns) = match scenario {
        Scenario::Fanout(_) => ("CPU µs each", TALK),
        Scenario::Idle(_) => ("resident KiB each", IDLE),
        Scenario::Churn(_) => ("CPU µs each", CHURN),
    };
    if before.is_none_or(|before| before.case.scenario.headline() != scenario.headline()) {
        let titles: String = columns.iter().map(|(title, ..)| format!(" {title} |")).collect();
        println!("\n| case | server | {headline} | least to most | of bare | of coalesced |{titles}");
        println!("|---|---|---:|---:|---:|---:|{}", "---:|".repeat(columns.len()));
    }
    for server in outcome.servers() {
        println!("{}", row(outcome, server, columns));
    }
}

fn row(outcome: &CaseResult, server: ServerKind, columns: &[Column]) -> String {
    let headline = outcome.case.scenario.headline();
    let value = outcome.median(server, headline);
    let all = outcome.rounds(server, headline);
    let range = all.first().zip(all.last());
    let range = range.map_or("-".to_owned(), |(least, most)| format!("{} to {}", number(*least), number(*most)));
    let ratio = |to: ServerKind| match (value, outcome.median(to, headline)) {
        (Some(value), Some(other)) if server == ServerKind::Parlor => format!("{:.2}", value / other),
        _ => "-".to_owned(),
    };
    let mut row = format!("| {} | {server} | {} | {range} |", outcome.case.name, value.map_or("-".to_owned(), number));
    row += &format!(" {} | {} |", ratio(ServerKind::Bare), ratio(ServerKind::BareCoalesced));
    for (_, figure, decimals) in columns {
        let cell = outcome.median(server, figure).map_or("-".to_owned(), |value| format!("{value:.decimals$}"));
        row += &format!(" {cell} |");
    }
    row
}

/// A number with about three digits.
fn number(value: f64) -> String {
    let decimals = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
    format!("{value:.decimals$}")
}
