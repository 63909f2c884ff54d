//! The resource usage of a server in a long run: one panel for each figure, starting at zero, so that a flat curve
//! looks flat. It must not judge.

use super::svg::{Anchor, Svg, label};
use crate::stress::resource_samples::Figure;
use crate::stress::soak::Results;

const WIDTH: f64 = 720.0;
const PANEL: f64 = 130.0;
/// Left and right of a panel, then the top and bottom of its inside, relative to its own top.
const SIDES: [f64; 2] = [80.0, 690.0];
const INSIDE: [f64; 2] = [30.0, 110.0];
const TOP: f64 = 40.0;
const COLOUR: &str = "#c0392b";

/// Draws the results.
pub(super) fn draw(results: &Results) -> Svg {
    let panels: [(&str, Figure); 4] = [
        ("resident memory, MiB", |sample| Some(sample.resident_kib / 1024.0)),
        ("threads", |sample| Some(sample.threads)),
        ("descriptors", |sample| Some(sample.descriptors)),
        ("memory of Redis, MiB", |sample| sample.redis_bytes.map(|bytes| bytes / 1024.0 / 1024.0)),
    ];
    let is_there = |(_, figure): &(&str, Figure)| results.samples.iter().any(|sample| figure(sample).is_some());
    let panels: Vec<_> = panels.into_iter().filter(is_there).collect();
    let title = format!("{} minutes under load, {} connections a second", label(results.minutes), label(results.churn));
    let mut svg = Svg::new(WIDTH, TOP + PANEL * panels.len() as f64 + 20.0, &title);
    for (row, (name, figure)) in panels.into_iter().enumerate() {
        panel(&mut svg, TOP + PANEL * row as f64, name, &points(results, figure));
    }
    svg
}

/// Minutes and values of the figure.
fn points(results: &Results, figure: Figure) -> Vec<[f64; 2]> {
    results.samples.iter().filter_map(|sample| Some([sample.seconds / 60.0, figure(sample)?])).collect()
}

fn panel(svg: &mut Svg, top: f64, name: &str, points: &[[f64; 2]]) {
    let most = |axis: usize| points.iter().map(|point| point[axis]).fold(f64::MIN_POSITIVE, f64::max);
    let (minutes, highest) = (most(0), most(1) * 1.1);
    let ([left, right], [above, below]) = (SIDES, INSIDE.map(|height| top + height));
    let at = |[minute, value]: [f64; 2]| {
        [left + (right - left) * minute / minutes, below - (below - above) * value / highest]
    };
    svg.text(left, top + 20.0, Anchor::Start, name);
    for value in [0.0, highest / 2.0, highest] {
        let [_, height] = at([0.0, value]);
        svg.line([left, height], [right, height], "#dddddd");
        svg.text(left - 8.0, height + 4.0, Anchor::End, &label(value));
    }
    for pair in points.windows(2) {
        svg.line(at(pair[0]), at(pair[1]), COLOUR);
    }
    svg.text(right, below + 15.0, Anchor::End, &format!("{} min", label(minutes)));
}
