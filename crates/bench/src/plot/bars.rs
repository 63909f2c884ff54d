//! A bar for each server in each case. The lengths are logarithmic, since cases differ by a factor of a hundred. Each
//! bar shows its value. It must not choose what is drawn.

use super::colour;
use super::svg::{Anchor, Svg, label};
use crate::record::CaseResult;

const WIDTH: f64 = 820.0;
/// Start of all bars and end of the longest bar.
const LEFT: f64 = 390.0;
const RIGHT: f64 = 750.0;
const TOP: f64 = 60.0;
const BAR: f64 = 14.0;
const GAP: f64 = 12.0;

/// Draws one figure for all cases that have it. `None` if no case has it.
pub(super) fn draw(title: &str, figure: &str, unit: &str, outcomes: &[&CaseResult]) -> Option<Svg> {
    let bars = |outcome: &CaseResult| -> Vec<_> {
        let servers = outcome.servers().into_iter();
        servers.filter_map(|server| Some((server, outcome.median(server, figure)?))).collect()
    };
    let groups: Vec<(&str, Vec<_>)> = outcomes.iter().map(|it| (it.case.name.as_str(), bars(it))).collect();
    let values = || groups.iter().flat_map(|(_, bars)| bars).map(|(_, value)| *value).filter(|value| *value > 0.0);
    let (least, most) = (values().reduce(f64::min)?, values().reduce(f64::max)?);
    // Even the shortest bar must be visible.
    let low = least / 2.0;
    let length = |value: f64| (value / low).max(1.0).ln() / (most / low).ln() * (RIGHT - LEFT);
    let count: usize = groups.iter().map(|(_, bars)| bars.len()).sum();
    let height = TOP + count as f64 * BAR + groups.len() as f64 * GAP + 10.0;
    let mut svg = Svg::new(WIDTH, height, &format!("{title}, {unit} (logarithmic)"));
    let mut y = TOP;
    for (name, bars) in &groups {
        svg.text(LEFT - 10.0, y + BAR, Anchor::End, name);
        for &(server, value) in bars {
            svg.bar([LEFT, y], [length(value), BAR - 2.0], colour(server));
            svg.text(LEFT + length(value) + 5.0, y + BAR - 4.0, Anchor::Start, &label(value));
            y += BAR;
        }
        y += GAP;
    }
    legend(&mut svg, outcomes);
    Some(svg)
}

fn legend(svg: &mut Svg, outcomes: &[&CaseResult]) {
    let mut servers: Vec<_> = outcomes.iter().flat_map(|outcome| outcome.servers()).collect();
    servers.sort_unstable();
    servers.dedup();
    for (at, server) in servers.into_iter().enumerate() {
        let x = LEFT + 130.0 * at as f64;
        svg.bar([x, 36.0], [12.0, 12.0], colour(server));
        svg.text(x + 18.0, 46.0, Anchor::Start, &server.to_string());
    }
}
