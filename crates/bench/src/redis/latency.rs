//! The latency of a text from sender to recipient, at a low rate. It must not know what lies between.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};

use super::latency_samples::Samples;

type Talk = Box<dyn FnMut(&str) -> Result<()> + Send>;
type Hear = Box<dyn FnMut() -> Result<String> + Send>;

/// A path from a sender to a recipient.
pub(crate) struct Way {
    /// The name of the path.
    pub(crate) name: &'static str,
    /// The latencies measured so far.
    pub(crate) samples: Samples,
    talk: Talk,
    hear: Hear,
}

/// How to send texts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Texts per second.
    pub(crate) rate: u32,
    /// Length of the measurement.
    pub(crate) time: Duration,
    /// Length of each, in bytes.
    pub(crate) bytes: usize,
}

impl Way {
    /// A path without measurements yet.
    pub(crate) fn new(
        name: &'static str,
        talk: impl FnMut(&str) -> Result<()> + Send + 'static,
        hear: impl FnMut() -> Result<String> + Send + 'static,
    ) -> Self {
        Self { name, samples: Samples::default(), talk: Box::new(talk), hear: Box::new(hear) }
    }

    /// Sends at this pace and measures each text. Fails unless all texts arrive in order.
    pub(crate) fn measure(&mut self, pace: Pace) -> Result<()> {
        let begin = Instant::now();
        let count = (pace.time.as_secs_f64() * f64::from(pace.rate)) as usize;
        let Self { talk, hear, .. } = self;
        let measured = thread::scope(|scope| {
            let hearing = scope.spawn(move || (0..count).map(|at| one(hear, begin, at)).collect::<Result<Vec<_>>>());
            for at in 0..count {
                let due = begin + Duration::from_secs(1) * u32::try_from(at)? / pace.rate;
                thread::sleep(due.saturating_duration_since(Instant::now()));
                let text = format!("{at} {} ", begin.elapsed().as_nanos());
                talk(&format!("{text:x<0$}", pace.bytes))?;
            }
            hearing.join().map_err(|_| anyhow!("the hearing thread panicked"))?
        });
        self.samples.extend(measured.with_context(|| self.name)?);
        Ok(())
    }
}

/// Receives one text, and returns its latency.
fn one(hear: &mut Hear, begin: Instant, at: usize) -> Result<Duration> {
    let text = hear()?;
    let now = begin.elapsed();
    let mut words = text.split(' ');
    let number: usize = words.next().context("no number")?.parse()?;
    let stamp: u64 = words.next().context("no stamp")?.parse()?;
    ensure!(number == at, "heard {number} instead of {at}");
    Ok(now.saturating_sub(Duration::from_nanos(stamp)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    /// A text that never arrives must not block the test forever.
    const PATIENCE: Duration = Duration::from_secs(20);

    const PACE: Pace = Pace { rate: 1000, time: Duration::from_millis(20), bytes: 40 };

    #[test]
    fn each_text_is_measured_once() {
        let (sender, receiver) = channel();
        let mut way = Way::new(
            "test",
            move |text| Ok(sender.send(text.to_owned())?),
            move || Ok(receiver.recv_timeout(PATIENCE)?),
        );
        way.measure(PACE).unwrap();
        assert_eq!(way.samples.len(), 20);
    }

    #[test]
    fn a_text_that_is_lost_is_noticed() {
        let (sender, receiver) = channel();
        let mut skip = true;
        let talk = move |text: &str| match std::mem::take(&mut skip) {
            true => Ok(()),
            false => Ok(sender.send(text.to_owned())?),
        };
        let mut way = Way::new("test", talk, move || Ok(receiver.recv_timeout(PATIENCE)?));
        let error = format!("{:#}", way.measure(PACE).unwrap_err());
        assert_eq!(error, "test: heard 1 instead of 0");
    }
}
