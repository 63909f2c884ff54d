//! Writes log lines to standard error on a thread of its own, so that a full disk, a closed pipe or a reader that hangs
//! costs log lines and nothing else. It must not block the threads that log, and must not format.

use std::cell::Cell;
use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// Bytes of lines that may wait to be written; a line that would pass this limit is lost, and counted.
const MAX_QUEUED_BYTES: usize = 1024 * 1024;

/// How long the end of the process waits for lines that are not written yet.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

thread_local! {
    /// While this thread reports lost lines: how many they are.
    static REPORTED: Cell<Option<u64>> = const { Cell::new(None) };
}

/// A handle for the threads that log. Its clones share one queue.
#[derive(Clone)]
pub(crate) struct LogWriter(Arc<Shared>);

struct Shared {
    /// A leaf, held for moments and never while something is written.
    queue: Mutex<Queue>,
    /// Signalled when a line comes, and when all are written.
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    lines: VecDeque<Line>,
    bytes: usize,
    is_writing: bool,
    /// Lines that were not written and not reported yet.
    lost: u64,
}

struct Line {
    text: Vec<u8>,
    /// Lines that are lost if this one is: itself, or those that it reports.
    stands_for: u64,
}

impl LogWriter {
    /// Starts the thread, which writes to `output`. Once it can write again after lines were lost, it calls `report`,
    /// which queues a line with their number.
    ///
    /// # Errors
    /// The system has no thread.
    pub(crate) fn start(
        output: impl Write + Send + 'static,
        report: impl Fn(&Self, u64) + Send + 'static,
    ) -> io::Result<Self> {
        let writer = Self(Arc::new(Shared { queue: Mutex::default(), changed: Condvar::new() }));
        let thread = writer.clone();
        thread::Builder::new().name("log".to_owned()).spawn(move || thread.write_lines(output, report))?;
        Ok(writer)
    }

    /// The whole of the thread.
    fn write_lines(&self, mut output: impl Write, report: impl Fn(&Self, u64)) {
        loop {
            let line = self.0.next();
            let is_written = output.write_all(&line.text).and_then(|()| output.flush()).is_ok();
            if let Some(lost) = self.0.count(&line, is_written) {
                REPORTED.set(Some(lost));
                report(self, lost);
                REPORTED.set(None);
            }
            self.0.done();
        }
    }

    /// Queues one line, which ends with a line feed. Never blocks.
    pub(crate) fn queue(&self, text: &[u8]) {
        self.queue_up_to(MAX_QUEUED_BYTES, text);
    }

    /// Queues the last line of a process, for which there is always space.
    pub(crate) fn queue_last(&self, text: &[u8]) {
        self.queue_up_to(usize::MAX, text);
    }

    fn queue_up_to(&self, max_bytes: usize, text: &[u8]) {
        let mut queue = self.0.lock();
        let stands_for = REPORTED.get().unwrap_or(1);
        if queue.bytes + text.len() > max_bytes {
            queue.lost += stands_for;
            return;
        }
        queue.bytes += text.len();
        queue.lines.push_back(Line { text: text.to_owned(), stands_for });
        self.0.changed.notify_all();
    }

    /// Waits until all lines are written or lost, for a second at most.
    pub(crate) fn flush(&self) {
        let queue = self.0.lock();
        let is_busy = |queue: &mut Queue| queue.is_writing || !queue.lines.is_empty();
        // If the time is over, the rest is lost with the process.
        drop(self.0.changed.wait_timeout_while(queue, FLUSH_TIMEOUT, is_busy));
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Line {
        let mut queue = self.lock();
        loop {
            if let Some(line) = queue.lines.pop_front() {
                queue.bytes -= line.text.len();
                queue.is_writing = true;
                return line;
            }
            queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The line is written or lost, and what was lost before is reported.
    fn done(&self) {
        self.lock().is_writing = false;
        self.changed.notify_all();
    }

    /// Counts a line that was not written. After one that was, the number of lost lines that wait to be reported.
    fn count(&self, line: &Line, is_written: bool) -> Option<u64> {
        let mut queue = self.lock();
        if !is_written {
            queue.lost += line.stands_for;
            return None;
        }
        Some(std::mem::take(&mut queue.lost)).filter(|lost| *lost > 0)
    }
}

/// Collects one line, however many pieces the formatter makes of it.
pub(crate) struct LineBuffer {
    writer: LogWriter,
    text: Vec<u8>,
}

impl Write for LineBuffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for LineBuffer {
    fn drop(&mut self) {
        if !self.text.is_empty() {
            self.writer.queue(&self.text);
        }
    }
}

impl MakeWriter<'_> for LogWriter {
    type Writer = LineBuffer;

    fn make_writer(&self) -> LineBuffer {
        LineBuffer { writer: self.clone(), text: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// Takes what a test says it may take, and passes it on.
    struct Output {
        verdicts: Receiver<io::Result<()>>,
        taken: Sender<String>,
    }

    impl Write for Output {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // At the end of a test there is nobody to ask.
            self.verdicts.recv().map_err(io::Error::other)??;
            self.taken.send(String::from_utf8_lossy(bytes).into_owned()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A writer, what lets its output take or refuse the next line, and what was taken.
    fn writer() -> (LogWriter, Sender<io::Result<()>>, Receiver<String>) {
        let ((verdict, verdicts), (taken, lines)) = (channel(), channel());
        let report = |writer: &LogWriter, lost: u64| writer.queue(format!("{lost} lost\n").as_bytes());
        (LogWriter::start(Output { verdicts, taken }, report).unwrap(), verdict, lines)
    }

    #[test]
    fn an_output_that_takes_nothing_blocks_nobody_and_what_is_too_much_is_lost_and_counted() {
        let (writer, _verdict, _lines) = writer();
        let line = vec![b'x'; 64 * 1024];
        for _ in 0..100 {
            writer.queue(&line);
        }
        let queue = writer.0.lock();
        // One is being written.
        assert!((83..=84).contains(&queue.lost) && queue.bytes <= MAX_QUEUED_BYTES, "{} lost", queue.lost);
    }

    #[test]
    fn lost_lines_are_reported_by_their_number_and_so_are_lost_reports() {
        let (writer, verdict, lines) = writer();
        let full = || Err(io::ErrorKind::StorageFull.into());
        // Two lines are lost, and a third is not; the report is, as is the fourth line.
        for outcome in [full(), full(), Ok(()), full(), full(), Ok(()), Ok(())] {
            verdict.send(outcome).unwrap();
        }
        for number in 1..=3 {
            writer.queue(format!("{number}\n").as_bytes());
        }
        assert_eq!(lines.recv().unwrap(), "3\n");
        writer.flush();
        writer.queue(b"4\n");
        writer.queue(b"5\n");
        assert_eq!((lines.recv().unwrap().as_str(), lines.recv().unwrap().as_str()), ("5\n", "3 lost\n"));
    }

    #[test]
    fn the_end_waits_for_what_is_not_written_yet() {
        let (writer, verdict, lines) = writer();
        for _ in 0..3 {
            writer.queue(b"line\n");
            verdict.send(Ok(())).unwrap();
        }
        writer.flush();
        assert_eq!(lines.try_iter().count(), 3);
    }
}
