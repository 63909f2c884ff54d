//! Many clients of one server, driven by one thread. Each client enters by sending lines and waiting for their answers.
//! Lines that arrive later go to the caller. It must not know the meaning of a message.

use std::collections::VecDeque;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustls::client::UnbufferedClientConnection;

use crate::servers::Target;
use crate::servers::accounts::Step;
use crate::wire::{BUFFER_BYTES, Heard, Lines, Link, Poller};

/// Maximum number of clients that enter at the same time.
const AT_ONCE: usize = 32;
/// Timeout without any progress while the clients wait for something.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

struct LoadClient {
    link: Link<UnbufferedClientConnection>,
    lines: Lines,
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
    sockets: Vec<usize>,
}

impl<'a> ClientPool<'a> {
    /// An empty pool for at most `size` clients.
    pub(crate) fn new(target: &'a Target, size: usize) -> Result<Self> {
        let visitors = (0..size).map(|_| None).collect();
        Ok(Self { target, poller: Poller::new()?, visitors, buffer: vec![0; BUFFER_BYTES], sockets: Vec::new() })
    }

    /// Connects a client, which then sends `steps`. Blocks while the server's accept queue is full.
    pub(crate) fn connect(&mut self, number: usize, steps: impl IntoIterator<Item = Step>) -> Result<()> {
        let Target { address, config, .. } = self.target;
        let socket = TcpStream::connect(address).context("cannot connect")?;
        let tls = UnbufferedClientConnection::new(Arc::clone(config), "localhost".try_into()?)?;
        let mut link = Link::new(socket, tls)?;
        self.poller.add(link.socket(), number)?;
        link.begin()?;
        link.flush(&self.poller, number)?;
        let steps = steps.into_iter().collect();
        self.visitors[number] = Some(LoadClient { link, lines: Lines::default(), steps, has_begun: false });
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
        self.visitors[number].as_mut().context("a client is gone")?.link.seal(line)
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
            let heard = visitor.receive(&mut self.buffer, &mut |line| hear(number, line))?;
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

impl LoadClient {
    fn receive(&mut self, buffer: &mut [u8], hear: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<Heard> {
        let Self { link, lines, steps, has_begun } = self;
        let before = steps.len();
        let heard = link.receive(buffer, &mut |plain| {
            lines.cut(plain, |line| match steps.front() {
                None => hear(line),
                Some(step) if line.starts_with(step.answer.as_bytes()) => {
                    steps.pop_front();
                    Ok(())
                }
                Some(_) => refused(line),
            })
        })?;
        let may_speak = link.is_open() && (!std::mem::replace(has_begun, link.is_open()) || steps.len() < before);
        if may_speak && let Some(step) = steps.front() {
            link.seal(format!("{}\n", step.say).as_bytes())?;
        }
        Ok(heard)
    }
}

/// Fails if the line is an error or a goodbye of the server.
pub(crate) fn refused(line: &[u8]) -> Result<()> {
    if line.starts_with(b"ERR ") || line.starts_with(b"BYE ") {
        bail!("the server says {}", String::from_utf8_lossy(line));
    }
    Ok(())
}
