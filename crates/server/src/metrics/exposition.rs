//! The text format of metrics: OpenMetrics 1.0, and the format of Prometheus before it (0.0.4). It must not know what is
//! measured.
//!
//! Source: <https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md>,
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>

use std::fmt::{self, Display, Write};

use parlor_web::response::ContentType;

/// A format that scrapers read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exposition {
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// The text format of Prometheus.
    Text,
}

/// Labels of one sample: names and values.
pub(super) type Labels<'a> = &'a [(&'a str, &'a str)];

/// A page of metrics in the making.
pub(super) struct Writer {
    format: Exposition,
    out: String,
}

impl Exposition {
    /// The format that a scraper with this `Accept` header reads.
    pub(crate) fn accepted(accept: &str) -> Self {
        if accept.contains("application/openmetrics-text") { Self::OpenMetrics } else { Self::Text }
    }

    /// The type of a page in this format.
    pub(crate) fn content_type(self) -> ContentType {
        match self {
            Self::OpenMetrics => ContentType::OpenMetrics,
            Self::Text => ContentType::Metrics,
        }
    }
}

impl Writer {
    pub(super) fn new(format: Exposition) -> Self {
        Self { format, out: String::new() }
    }

    /// A number that only grows, without the ending `_total` in its name. One sample for each set of labels.
    pub(super) fn counter<V: Display>(&mut self, name: &str, help: &str, samples: &[(Labels<'_>, V)]) {
        // The older format has the ending in the name of the metric, the newer one in that of the sample.
        let metric = match self.format {
            Exposition::OpenMetrics => name.to_owned(),
            Exposition::Text => format!("{name}_total"),
        };
        self.describe(&metric, "counter", help);
        for (labels, value) in samples {
            self.sample(&format!("{name}_total"), labels, value);
        }
    }

    /// A number that goes up and down. One sample for each set of labels.
    pub(super) fn gauge<V: Display>(&mut self, name: &str, help: &str, samples: &[(Labels<'_>, V)]) {
        self.describe(name, "gauge", help);
        for (labels, value) in samples {
            self.sample(name, labels, value);
        }
    }

    /// How many observations are below which limit. `classes` has the upper limit of each class and how many are in it
    /// alone; the last one has no limit.
    pub(super) fn histogram(&mut self, name: &str, help: &str, classes: &[(Option<f64>, u64)], sum: f64) {
        self.describe(name, "histogram", help);
        let mut count = 0;
        for (limit, observations) in classes {
            count += observations;
            let limit = limit.map_or_else(|| "+Inf".to_owned(), |limit| format!("{limit:?}"));
            self.sample(&format!("{name}_bucket"), &[("le", &limit)], &count);
        }
        self.sample(&format!("{name}_sum"), &[], &sum);
        self.sample(&format!("{name}_count"), &[], &count);
    }

    /// The whole page.
    pub(super) fn finish(mut self) -> String {
        if self.format == Exposition::OpenMetrics {
            self.line(format_args!("# EOF"));
        }
        self.out
    }

    fn describe(&mut self, metric: &str, kind: &str, help: &str) {
        self.line(format_args!("# HELP {metric} {help}"));
        self.line(format_args!("# TYPE {metric} {kind}"));
    }

    fn sample(&mut self, name: &str, labels: Labels<'_>, value: &dyn Display) {
        let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        match labels.is_empty() {
            true => self.line(format_args!("{name} {value}")),
            false => self.line(format_args!("{name}{{{}}} {value}", labels.join(","))),
        }
    }

    fn line(&mut self, line: fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = writeln!(self.out, "{line}");
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(format: Exposition) -> String {
        let mut page = Writer::new(format);
        page.counter("parlor_logins", "Logins.", &[(&[("result", "ok")], 3), (&[("result", "a\"b")], 1)]);
        page.gauge("parlor_queued_bytes", "Bytes that wait.", &[(&[], 7)]);
        page.histogram("parlor_batch_seconds", "Time.", &[(Some(0.5), 2), (Some(1.0), 1), (None, 4)], 9.25);
        page.finish()
    }

    #[test]
    fn a_page_is_what_the_newer_format_asks_for() {
        let expected = "\
# HELP parlor_logins Logins.
# TYPE parlor_logins counter
parlor_logins_total{result=\"ok\"} 3
parlor_logins_total{result=\"a\\\"b\"} 1
# HELP parlor_queued_bytes Bytes that wait.
# TYPE parlor_queued_bytes gauge
parlor_queued_bytes 7
# HELP parlor_batch_seconds Time.
# TYPE parlor_batch_seconds histogram
parlor_batch_seconds_bucket{le=\"0.5\"} 2
parlor_batch_seconds_bucket{le=\"1.0\"} 3
parlor_batch_seconds_bucket{le=\"+Inf\"} 7
parlor_batch_seconds_sum 9.25
parlor_batch_seconds_count 7
# EOF
";
        assert_eq!(page(Exposition::OpenMetrics), expected);
    }

    #[test]
    fn the_older_format_names_counters_by_their_samples_and_has_no_end() {
        let text = page(Exposition::Text);
        assert!(text.contains("# TYPE parlor_logins_total counter\nparlor_logins_total{"), "{text}");
        assert!(!text.contains("EOF"), "{text}");
    }

    #[test]
    fn a_scraper_gets_the_format_that_it_asks_for() {
        let prometheus = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5";
        assert_eq!(Exposition::accepted(prometheus), Exposition::OpenMetrics);
        assert_eq!(Exposition::accepted("*/*"), Exposition::Text);
        assert_eq!(Exposition::accepted(""), Exposition::Text);
    }
}
