//! A minimal client that speaks to Redis over a plain socket, so that a bare round trip is bare. It must not know
//! scripts nor rooms.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// Timeout for a reply. The run is aborted after it.
const PATIENCE: Duration = Duration::from_secs(20);

/// A reply, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    /// A number.
    Integer(i64),
    /// A text of any kind. `None` for nil.
    Text(Option<String>),
    /// Several replies.
    List(Vec<Self>),
}

impl Reply {
    /// The number in the reply.
    pub(crate) fn integer(&self) -> Result<i64> {
        match self {
            Self::Integer(number) => Ok(*number),
            other => bail!("not a number: {other:?}"),
        }
    }

    /// The text in the reply, empty for nil.
    pub(crate) fn text(&self) -> Result<&str> {
        match self {
            Self::Text(text) => Ok(text.as_deref().unwrap_or_default()),
            other => bail!("not a text: {other:?}"),
        }
    }
}

/// A connection to Redis.
#[derive(Debug)]
pub(crate) struct Redis {
    reader: BufReader<TcpStream>,
}

impl Redis {
    /// Connects to the Redis at this port of this machine.
    pub(crate) fn connect(port: u16) -> Result<Self> {
        let socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).context("Redis cannot be reached")?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { reader: BufReader::with_capacity(64 * 1024, socket) })
    }

    /// Sends packed commands.
    pub(crate) fn send(&mut self, packed: &[u8]) -> Result<()> {
        Ok(self.reader.get_mut().write_all(packed)?)
    }

    /// The next reply. An error reply of Redis is an error.
    pub(crate) fn reply(&mut self) -> Result<Reply> {
        let line = self.line()?;
        let (kind, rest) = line.split_at_checked(1).context("an empty reply")?;
        match kind {
            "+" => Ok(Reply::Text(Some(rest.to_owned()))),
            ":" => Ok(Reply::Integer(rest.parse()?)),
            "$" => self.bulk(rest.parse()?),
            "*" => (0..rest.parse()?).map(|_| self.reply()).collect::<Result<_>>().map(Reply::List),
            _ => bail!("Redis says {line}"),
        }
    }

    /// Sends one command and waits for its reply.
    pub(crate) fn call(&mut self, args: &[&str]) -> Result<Reply> {
        self.send(&packed(args))?;
        self.reply()
    }

    fn bulk(&mut self, length: i64) -> Result<Reply> {
        let Ok(length) = usize::try_from(length) else { return Ok(Reply::Text(None)) };
        let mut bytes = vec![0; length + 2];
        self.reader.read_exact(&mut bytes)?;
        bytes.truncate(length);
        Ok(Reply::Text(Some(String::from_utf8(bytes)?)))
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.reader.read_line(&mut line)? == 0 {
            bail!("Redis closed the connection");
        }
        line.truncate(line.trim_end().len());
        Ok(line)
    }
}

/// A command in its form on the wire.
pub(crate) fn packed(args: &[&str]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", args.len()).into_bytes();
    for arg in args {
        bytes.extend_from_slice(format!("${}\r\n{arg}\r\n", arg.len()).as_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use parlor_redis_testkit::RedisServer;

    #[test]
    fn replies_of_each_kind_are_read() {
        let server = RedisServer::start();
        let mut redis = Redis::connect(server.port()).unwrap();
        assert_eq!(redis.call(&["SET", "k", "a b"]).unwrap().text().unwrap(), "OK");
        assert_eq!(redis.call(&["GET", "k"]).unwrap(), Reply::Text(Some("a b".into())));
        assert_eq!(redis.call(&["GET", "none"]).unwrap(), Reply::Text(None));
        assert_eq!(redis.call(&["STRLEN", "k"]).unwrap().integer().unwrap(), 3);
        let list = redis.call(&["MGET", "k", "none"]).unwrap();
        assert_eq!(list, Reply::List(vec![Reply::Text(Some("a b".into())), Reply::Text(None)]));
        assert!(redis.call(&["INCR", "k"]).is_err());
    }
}
