//! A curve for each server: the cost of a delivery against a varying size. Both axes are logarithmic. It must not
//! choose what is drawn.

use super::colour;
use super::svg::{Anchor, Svg, label};
use crate::record::CaseResult;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 400.0;
/// Left, right, top and bottom of the area inside the axes.
const INSIDE: [f64; 4] = [70.0, 500.0, 50.0, 340.0];

/// Draws the measurements of one sweep.
pub(super) fn draw(axis: &str, parts: &[&CaseResult]) -> Svg {
    let mut svg = Svg::new(WIDTH, HEIGHT, "Processor time of the server for a delivery, µs");
    let figure = |part: &CaseResult, server| part.median(server, part.case.scenario.headline());
    let mut servers: Vec<_> = parts.iter().flat_map(|part| part.servers()).collect();
    servers.sort_unstable();
    servers.dedup();
    let values = || parts.iter().flat_map(|part| servers.iter().filter_map(|server| figure(part, *server)));
    let place = |part: &CaseResult| part.case.sweep.as_ref().map_or(1.0, |sweep| sweep.value);
    let (x, y) = (Scale::of(parts.iter().map(|part| place(part))), Scale::of(values()));
    let [left, right, top, bottom] = INSIDE;
    let at = |part: &CaseResult, value| [x.place(place(part), left, right), y.place(value, bottom, top)];
    axes(&mut svg, axis, y);
    for part in parts {
        let [at, _] = at(part, 1.0);
        svg.text(at, bottom + 18.0, Anchor::Middle, &label(place(part)));
    }
    for (row, server) in servers.into_iter().enumerate() {
        let mut points: Vec<_> = parts.iter().filter_map(|part| Some(at(part, figure(part, server)?))).collect();
        points.sort_unstable_by(|one, other| one[0].total_cmp(&other[0]));
        svg.curve(&points, colour(server));
        let height = top + 20.0 * row as f64;
        svg.bar([right + 15.0, height - 10.0], [12.0, 12.0], colour(server));
        svg.text(right + 33.0, height, Anchor::Start, &server.to_string());
    }
    svg
}

fn axes(svg: &mut Svg, axis: &str, y: Scale) {
    const GREY: &str = "#dddddd";
    let [left, right, top, bottom] = INSIDE;
    for power in y.low..=y.high {
        let value = 10_f64.powi(power);
        let height = y.place(value, bottom, top);
        svg.line([left, height], [right, height], GREY);
        svg.text(left - 8.0, height + 4.0, Anchor::End, &label(value));
    }
    svg.line([left, top], [left, bottom], "#000000");
    svg.line([left, bottom], [right, bottom], "#000000");
    svg.text((left + right) / 2.0, bottom + 42.0, Anchor::Middle, axis);
}

/// Whole powers of ten around the values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Scale {
    low: i32,
    high: i32,
}

impl Scale {
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let (least, most) = values.fold((f64::MAX, f64::MIN_POSITIVE), |(low, high), it| (low.min(it), high.max(it)));
        let low = least.min(most).log10().floor() as i32;
        Self { low, high: (most.log10().ceil() as i32).max(low + 1) }
    }

    fn place(self, value: f64, from: f64, to: f64) -> f64 {
        let part = (value.log10() - f64::from(self.low)) / f64::from(self.high - self.low);
        from + part * (to - from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_hold_all_values() {
        let scale = Scale::of([0.3, 7.0, 25.0].into_iter());
        assert_eq!(scale, Scale { low: -1, high: 2 });
        assert!((scale.place(100.0, 340.0, 50.0) - 50.0).abs() < 1e-9);
        assert_eq!(Scale::of([10.0].into_iter()), Scale { low: 1, high: 2 });
    }
}
