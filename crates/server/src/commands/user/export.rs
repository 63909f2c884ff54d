//! `parlor user export`: prints all that is kept about a person. It must not change it.

use std::io::{self, BufWriter, Write};

use anyhow::bail;
use parlor_store::archive::{ArchiveError, Record};

use super::{NAME, UserArg};

pub(super) const EXAMPLES: &str =
    "Each line is an object of JSON: the account, tickets, addresses, follows and blocks from and to the user,
opened rooms, marks, publications, direct messages, what the user said in rooms, and what moderators did
about the user. Servers may run meanwhile. The hash of the password is among it.

Example:
  parlor user export alice > alice.jsonl";

/// Prints everything about the user on standard output, a line of JSON for each thing.
///
/// # Errors
/// There is no such user, or the store cannot be read.
pub(super) fn run(whose: &UserArg) -> anyhow::Result<()> {
    let mut source = whose.place.source(NAME)?;
    let mut out = BufWriter::new(io::stdout().lock());
    let mut is_known = false;
    source.read(None, &mut |record| {
        is_known |= matches!(record, Record::Account(account) if account.user == whose.user);
        if record.is_about(&whose.user) { write(&mut out, record) } else { Ok(()) }
    })?;
    out.flush()?;
    if !is_known {
        bail!("there is no user {}", whose.user);
    }
    Ok(())
}

fn write(out: &mut impl Write, record: &Record) -> Result<(), ArchiveError> {
    serde_json::to_writer(&mut *out, record).map_err(io::Error::from)?;
    Ok(out.write_all(b"\n")?)
}
