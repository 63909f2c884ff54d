//! The shapes that drawings consist of, as SVG on white. It must not know their meaning.

use std::fmt::Write;

/// Sizes of text, in pixels.
const TITLE: f64 = 16.0;
const LABEL: f64 = 12.0;

/// Alignment of a text relative to its position.
#[derive(Debug, Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A drawing.
#[derive(Debug)]
pub(crate) struct Svg {
    width: f64,
    height: f64,
    body: String,
}

impl Svg {
    /// An empty drawing with a title.
    pub(super) fn new(width: f64, height: f64, title: &str) -> Self {
        let mut svg = Self { width, height, body: String::new() };
        svg.sized_text(width / 2.0, 24.0, Anchor::Middle, TITLE, title);
        svg
    }

    pub(super) fn line(&mut self, [x1, y1]: [f64; 2], [x2, y2]: [f64; 2], colour: &str) {
        self.push(&format!(r#"<line x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}" stroke="{colour}"/>"#));
    }

    /// A line through points, with a dot on each.
    pub(super) fn curve(&mut self, points: &[[f64; 2]], colour: &str) {
        let list: String = points.iter().map(|[x, y]| format!("{x:.1},{y:.1} ")).collect();
        self.push(&format!(
            r#"<polyline points="{}" fill="none" stroke="{colour}" stroke-width="2"/>"#,
            list.trim_end()
        ));
        for [x, y] in points {
            self.push(&format!(r#"<circle cx="{x:.1}" cy="{y:.1}" r="4" fill="{colour}"/>"#));
        }
    }

    pub(super) fn bar(&mut self, [x, y]: [f64; 2], [width, height]: [f64; 2], colour: &str) {
        self.push(&format!(r#"<rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" fill="{colour}"/>"#));
    }

    pub(super) fn text(&mut self, x: f64, y: f64, anchor: Anchor, text: &str) {
        self.sized_text(x, y, anchor, LABEL, text);
    }

    fn sized_text(&mut self, x: f64, y: f64, anchor: Anchor, size: f64, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        self.push(&format!(r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" font-size="{size}">{text}</text>"#));
    }

    fn push(&mut self, element: &str) {
        // A write to memory does not fail.
        let _ = writeln!(self.body, "{element}");
    }

    /// The content of the file.
    pub(super) fn finish(&self) -> String {
        let Self { width, height, body } = self;
        let head = format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif">"#
        );
        format!("{head}\n<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n{body}</svg>\n")
    }
}

/// A number for a label: short, and without meaningless zeros.
pub(super) fn label(value: f64) -> String {
    let decimals = if value >= 100.0 { 0 } else { 2 };
    let text = format!("{value:.decimals$}");
    if decimals == 0 { text } else { text.trim_end_matches('0').trim_end_matches('.').to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_short() {
        assert_eq!([1000.0, 10.0, 2.5, 0.018].map(label), ["1000", "10", "2.5", "0.02"]);
    }
}
