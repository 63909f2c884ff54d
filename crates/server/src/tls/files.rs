//! Reads and writes files of keys and certificates. Errors name the file, and a crash leaves the old or the new file,
//! never half of one. It must not know their contents.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use anyhow::Context;
use rustix::fs::{FlockOperation, flock};

/// Lock of a directory: only its holder writes into the directory. Dropping it releases the lock.
pub(super) struct DirLock(#[expect(dead_code, reason = "held for its lock")] File);

/// Makes `dir` with mode 0700 if it does not exist, and locks it against other processes. Blocks while another process
/// holds the lock.
///
/// # Errors
/// Fails if the directory cannot be made or read.
pub(super) fn lock_dir(dir: &Path) -> anyhow::Result<DirLock> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.with_context(|| format!("cannot make the TLS directory {}", dir.display()))?;
    let handle = File::open(dir).with_context(|| format!("cannot open the TLS directory {}", dir.display()))?;
    flock(&handle, FlockOperation::LockExclusive).with_context(|| format!("cannot lock {}", dir.display()))?;
    Ok(DirLock(handle))
}

/// Reads a whole text file.
///
/// # Errors
/// Names the file.
pub(super) fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Replaces the file `path` as a whole, with the permissions `mode`. The caller holds the directory's lock.
///
/// # Errors
/// Names the file; the old content then stays.
pub(super) fn replace(path: &Path, content: &str, mode: u32) -> anyhow::Result<()> {
    let temporary = path.with_extension("new");
    write_through(&temporary, content, mode)
        .and_then(|()| std::fs::rename(&temporary, path))
        .and_then(|()| path.parent().map_or(Ok(()), |dir| File::open(dir)?.sync_all()))
        .with_context(|| format!("cannot write {}", path.display()))
}

fn write_through(path: &Path, content: &str, mode: u32) -> io::Result<()> {
    // A file left over from a crash may have other permissions, and opening it would keep them.
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(content.as_bytes())?;
    file.sync_all()
}

/// Whether users other than the owner may read or write the file. A file that cannot be examined counts as private:
/// reading it returns the error.
pub(super) fn is_open_to_others(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| metadata.mode() & 0o077 != 0)
}
