//! Prints the measurements as tables in Markdown. It must not measure.

use super::latency::Way;
use super::latency_samples::median;
use super::throughput::Rate;

/// The measured throughput, round by round.
#[derive(Debug, Default)]
pub(crate) struct Throughput {
    /// `redis-benchmark`, calls per second.
    pub(crate) tool: Vec<f64>,
    /// Our own client, one batch in flight.
    pub(crate) own_single: Vec<Rate>,
    /// The same with several batches in flight.
    pub(crate) own_double: Vec<Rate>,
    /// Two servers, with no recipients except the senders.
    pub(crate) alone: Vec<Rate>,
    /// Two servers, with a recipient on the other server in each room.
    pub(crate) heard: Vec<Rate>,
}

/// Latencies beside the values that they are compared with: a round trip and a local delivery.
pub(crate) fn latency(ways: &[Way; 6]) {
    let [publish, spublish, _, embedded, _, cross] = ways;
    println!("\n| latency, µs | p50 | p99 | samples |\n|---|---:|---:|---:|");
    for Way { name, samples, .. } in ways {
        println!("| {name} | {:.0} | {:.0} | {} |", samples.percentile(50), samples.percentile(99), samples.len());
    }
    println!();
    for bare in [publish, spublish] {
        let limit = 1.5 * bare.samples.percentile(50) + embedded.samples.percentile(50);
        let ratio = cross.samples.percentile(50) / limit;
        println!(
            "two servers at p50 against 1.5 x {} + one server, embedded store ({limit:.0} µs): {ratio:.2}",
            bare.name
        );
    }
}

/// Rates, each beside the fastest rate of the bare script.
pub(crate) fn throughput(found: &Throughput) {
    let rates = |of: &[Rate]| of.iter().map(|rate| rate.per_second).collect::<Vec<_>>();
    let rows: [(&str, Vec<f64>, &[Rate]); 5] = [
        ("bare script, redis-benchmark -P 64 -c 1", found.tool.clone(), &[]),
        ("bare script, own client, 64 on the way", rates(&found.own_single), &found.own_single),
        ("bare script, own client, 256 on the way", rates(&found.own_double), &found.own_double),
        ("two servers, each sender alone in its room", rates(&found.alone), &found.alone),
        ("two servers, one listener on the other server", rates(&found.heard), &found.heard),
    ];
    println!(
        "\n| messages | a second, median | least to most | of redis-benchmark | of the fastest bare | CPU µs each: Parlor | Redis | this tool |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|");
    let tool = median(&rows[0].1);
    let fastest = rows[..3].iter().map(|row| median(&row.1)).fold(0.0, f64::max);
    for (name, rates, details) in &rows {
        let middle = median(rates);
        let (least, most) = rates.iter().fold((f64::MAX, 0.0_f64), |(low, high), &it| (low.min(it), high.max(it)));
        let cpu = |at: usize| median(&details.iter().map(|rate| rate.cpu[at]).collect::<Vec<_>>());
        let cpu = [0, 1, 2].map(|at| if details.is_empty() { "-".to_owned() } else { format!("{:.1}", cpu(at)) });
        let [parlor, redis, this] = cpu;
        println!(
            "| {name} | {middle:.0} | {least:.0} to {most:.0} | {:.0} % | {:.0} % | {parlor} | {redis} | {this} |",
            100.0 * middle / tool,
            100.0 * middle / fastest
        );
    }
}
