//! The paths whose latencies are compared: bare Redis, one server, two servers. It must not measure.

use anyhow::{Context, Result, ensure};

use super::latency::Way;
use super::resp::{Redis, Reply, packed};
use super::script::{Append, Variant};
use crate::servers::parlor::Server;

/// The path through bare Redis: `PUBLISH` or `SPUBLISH` brings a text from one connection to another.
pub(crate) fn bare(port: u16, name: &'static str, publish: &'static str, subscribe: &'static str) -> Result<Way> {
    let mut talker = Redis::connect(port)?;
    let channel = format!("bench:{name}");
    let mut listener = subscribed(port, subscribe, &channel)?;
    let talk = move |text: &str| {
        let heard = talker.call(&[publish, &channel, text])?.integer()?;
        ensure!(heard == 1, "{heard} instead of one listen");
        Ok(())
    };
    Ok(Way::new(name, talk, move || heard(&mut listener)))
}

/// The same for the script that appends to a room, without Parlor.
pub(crate) fn script(port: u16, name: &'static str) -> Result<Way> {
    let mut talker = Redis::connect(port)?;
    let mut append = Append::prepare(&mut talker, "bench-latency", Variant::Counted)?;
    let mut listener = subscribed(port, "SSUBSCRIBE", &append.channel())?;
    let talk = move |text: &str| {
        talker.send(&append.command(text))?;
        ensure!(talker.reply()?.integer()? > 0, "the script refuses");
        Ok(())
    };
    let hear = move || {
        let news = heard(&mut listener)?;
        // Kind, epoch, number, time and author come before the text.
        news.splitn(6, ' ').nth(5).map(str::to_owned).context("no text in the news")
    };
    Ok(Way::new(name, talk, hear))
}

/// The path from a client of one server to a client of another server, or of the same server.
pub(crate) fn chat(name: &'static str, room: &str, from: &Server, to: &Server) -> Result<Way> {
    let mut listener = to.member(&format!("{room}-b"), room)?;
    let mut talker = from.member(&format!("{room}-a"), room)?;
    Ok(Way::new(name, move |text| talker.send(&format!("{text}\n")), move || listener.message().map(str::to_owned)))
}

fn subscribed(port: u16, subscribe: &str, channel: &str) -> Result<Redis> {
    let mut listener = Redis::connect(port)?;
    listener.send(&packed(&[subscribe, channel]))?;
    listener.reply()?;
    Ok(listener)
}

fn heard(listener: &mut Redis) -> Result<String> {
    match listener.reply()? {
        Reply::List(parts) => Ok(parts.get(2).context("no message")?.text()?.to_owned()),
        other => anyhow::bail!("no message: {other:?}"),
    }
}
