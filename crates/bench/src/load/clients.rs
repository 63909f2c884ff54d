//! Many clients of one server, driven by one thread. Each client enters by sending lines and waiting for their answers.
//! Lines that arrive later go to the caller. It must not know the meaning of a message.

use std::collections::VecDeque;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustls::client::UnbufferedClientConnection;

use crate::servers::Target;
use crate::servers::accounts::Step;
use crate::servers::dialect::{Dialect, is_answer, refused};
use crate::wire::{BUFFER_BYTES, Frames, Heard, Lines, Link, Poller, frames};

/// Maximum number of clients that enter at the same time.
const AT_ONCE: usize = 32;
/// Timeout without any progress while the clients wait for something.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// How the bytes of a connection are cut into lines.
enum Framing {
    Lines(Lines),
    Web(Frames),
}

struct LoadClient {
    link: Link<UnbufferedClientConnection>,
    framing: Framing,
    /// The lines that it still has to send. It waits for the answer to the first one.
    steps: VecDeque<Step>,
    has_begun: bool,
}

/// Changes of clients in a turn, by client number.
#[derive(Debug, Default)]
pub(crate) struct News {
    /// Clients that have sent all of their lines.
    pub(crate) ready: Vec<usize>,
    /// Clients whose connection the server closed.
    pub(crate) gone: Vec<usize>,
}

/// All clients of one run.
pub(crate) struct ClientPool<'a> {
    target: &'a Target,
    poller: Poller,
    visitors: Vec<Option<LoadClient>>,
    buffer: Vec<u8>,
    /// Scratch memory for a frame.
    frame: Vec<u8>,
    sockets: Vec<usize>,
}

impl<'a> ClientPool<'a> {
    /// An empty pool for at most `size` clients.
    pub(crate) fn new(target: &'a Target, size: usize) -> Result<Self> {
        let visitors = (0..size).map(|_| None).collect();
        let (poller, buffer) = (Poller::new()?, vec![0; BUFFER_BYTES]);
        Ok(Self { target, poller, visitors, buffer, frame: Vec::new(), sockets: Vec::new() })
    }

    /// Connects a client, which then sends `steps`. Blocks while the server's accept queue is full.
    pub(crate) fn connect(&mut self, number: usize, steps: impl IntoIterator<Item = Step>) -> Result<()> {
        let Target { address, dialect, config, .. } = self.target;
        let socket = TcpStream::connect(address).context("cannot connect")?;
        let tls = UnbufferedClientConnection::new(Arc::clone(config), "localhost".try_into()?)?;
        let mut link = Link::new(socket, tls)?;
        self.poller.add(link.socket(), number)?;
        link.begin()?;
        link.flush(&self.poller, number)?;
        let steps = dialect.first().into_iter().chain(steps).collect();
        let framing = Framing::of(*dialect);
        self.visitors[number] = Some(LoadClient { link, framing, steps, has_begun: false });
        Ok(())
    }

    /// Connects clients, at most 32 at the same time, and waits until all have entered. Lines for clients that have
    /// already entered are dropped meanwhile.
    pub(crate) fn admit(
        &mut self,
        clients: std::ops::Range<usize>,
        mut steps: impl FnMut(usize) -> Result<Vec<Step>>,
        mut tell: impl FnMut(usize),
    ) -> Result<()> {
        let (mut next, mut inside) = (clients.start, 0);
        let mut last = Instant::now();
        while inside < clients.len() {
            while next < clients.end && next - clients.start - inside < AT_ONCE {
                let steps = steps(next)?;
                self.connect(next, steps)?;
                next += 1;
            }
            let News { ready, gone } = self.turn(Some(PATIENCE), &mut |_, _| Ok(()))?;
            ensure!(gone.is_empty(), "the server closed a connection");
            if !ready.is_empty() {
                last = Instant::now();
                inside += ready.len();
                tell(inside);
            }
            ensure!(last.elapsed() < PATIENCE, "{} of {} clients came in, and no more", inside, clients.len());
        }
        Ok(())
    }

    /// Encrypts a line, which must include its line ending. [`ClientPool::flush`] sends it.
    pub(crate) fn say(&mut self, number: usize, line: &[u8]) -> Result<()> {
        self.visitors[number].as_mut().context("a client is gone")?.say(line, &mut self.frame)
    }

    /// Sends the encrypted lines of a client.
    pub(crate) fn flush(&mut self, number: usize) -> Result<()> {
        self.visitors[number].as_mut().context("a client is gone")?.link.flush(&self.poller, number)
    }

    /// Waits for at most `timeout`, and passes on the lines for clients that have no steps left.
    pub(crate) fn turn(
        &mut self,
        timeout: Option<Duration>,
        hear: &mut dyn FnMut(usize, &[u8]) -> Result<()>,
    ) -> Result<News> {
        let mut news = News::default();
        self.poller.wait(timeout, &mut self.sockets)?;
        for &number in &self.sockets {
            let Some(visitor) = &mut self.visitors[number] else { continue };
            let was_busy = !visitor.steps.is_empty();
            let heard = visitor.receive(&mut self.buffer, &mut self.frame, &mut |line| hear(number, line))?;
            visitor.link.flush(&self.poller, number)?;
            if was_busy && visitor.steps.is_empty() {
                news.ready.push(number);
            }
            if heard == Heard::Closed {
                let left = visitor.steps.front();
                ensure!(left.is_none(), "the server closed a connection before it answered {:?}", left.map(Step::verb));
                self.visitors[number] = None;
                news.gone.push(number);
            }
        }
        Ok(news)
    }
}

impl Framing {
    fn of(dialect: Dialect) -> Self {
        match dialect {
            Dialect::Text | Dialect::Json => Self::Lines(Lines::default()),
            Dialect::Web => Self::Web(Frames::new()),
        }
    }

    fn cut(&mut self, plain: &[u8], hear: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        match self {
            Self::Lines(lines) => lines.cut(plain, hear),
            Self::Web(frames) => frames.cut(plain, hear),
        }
    }

    /// Whether lines may be sent.
    fn is_open(&self) -> bool {
        matches!(self, Self::Lines(_)) || matches!(self, Self::Web(frames) if frames.is_open())
    }
}

impl LoadClient {
    /// Encrypts a line, which must include its line ending.
    fn say(&mut self, line: &[u8], frame: &mut Vec<u8>) -> Result<()> {
        match self.framing {
            Framing::Lines(_) => self.link.seal(line),
            Framing::Web(_) => {
                frame.clear();
                frames::text(line, frame);
                self.link.seal(frame)
            }
        }
    }

    fn receive(
        &mut self,
        buffer: &mut [u8],
        frame: &mut Vec<u8>,
        hear: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<Heard> {
        let Self { link, framing, steps, .. } = self;
        let before = steps.len();
        let heard = link.receive(buffer, &mut |plain| {
            framing.cut(plain, |line| match steps.front() {
                None => hear(line),
                Some(step) if is_answer(line, step.answer) => {
                    steps.pop_front();
                    Ok(())
                }
                Some(_) => refused(line),
            })
        })?;
        if link.is_open() && heard == Heard::Open {
            self.go_on(before, frame)?;
        }
        Ok(heard)
    }

    /// Encrypts what the framing has to send, and the next step, if the one before was answered.
    fn go_on(&mut self, before: usize, frame: &mut Vec<u8>) -> Result<()> {
        if let Framing::Web(frames) = &mut self.framing
            && let output = frames.take_output()
            && !output.is_empty()
        {
            self.link.seal(&output)?;
        }
        let is_open = self.framing.is_open();
        let may_speak = is_open && (!std::mem::replace(&mut self.has_begun, is_open) || self.steps.len() < before);
        if may_speak && let Some(step) = self.steps.front() {
            let line = format!("{}\n", step.say);
            self.say(line.as_bytes(), frame)?;
        }
        Ok(())
    }
}
