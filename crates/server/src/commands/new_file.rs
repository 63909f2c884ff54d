//! A file that is there as a whole or not at all, and readable by its owner only. It must not know what is in it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::Context;

/// A file that is being written under another name. It is removed unless it is committed.
pub(super) struct NewFile {
    file: File,
    partial: PathBuf,
    path: PathBuf,
    is_committed: bool,
}

impl NewFile {
    /// Begins a file that gets this path in the end. Replaces what an earlier try left behind.
    ///
    /// # Errors
    /// The directory cannot be written.
    pub(super) fn begin(path: &Path) -> anyhow::Result<Self> {
        let mut name = path.as_os_str().to_owned();
        name.push(".partial");
        let partial = PathBuf::from(name);
        let create = || {
            remove(&partial)?;
            OpenOptions::new().create_new(true).write(true).mode(0o600).open(&partial)
        };
        let file = create().with_context(|| format!("cannot make {}", partial.display()))?;
        Ok(Self { file, partial, path: path.to_owned(), is_committed: false })
    }

    /// The name that it has until then, for what writes by a name.
    pub(super) fn partial(&self) -> &Path {
        &self.partial
    }

    /// Gives the file its path, once the disk has it. Replaces a file of that name.
    ///
    /// # Errors
    /// The disk fails.
    pub(super) fn commit(mut self) -> anyhow::Result<()> {
        let mut finish = || {
            self.file.flush()?;
            self.file.sync_all()?;
            fs::rename(&self.partial, &self.path)?;
            sync_directory(&self.path)
        };
        finish().with_context(|| format!("cannot write {}", self.path.display()))?;
        self.is_committed = true;
        Ok(())
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.is_committed {
            // The reason was told already.
            let _ = fs::remove_file(&self.partial);
        }
    }
}

/// Removes a file if it is there.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Waits until the disk has the names in the directory of a file.
fn sync_directory(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent)?.sync_all()
}

/// Gives files in a directory to the owner of the directory, if root made them: the server runs as another user.
///
/// # Errors
/// Another user than root made them, and may not give them away.
pub(super) fn give_to_owner(directory: &Path, names: &[&str]) -> anyhow::Result<()> {
    let failed = || format!("cannot give the files in {} to its owner", directory.display());
    let owner = fs::metadata(directory).with_context(failed)?;
    for name in names {
        let path = directory.join(name);
        let Ok(found) = fs::metadata(&path) else { continue };
        if (found.uid(), found.gid()) != (owner.uid(), owner.gid()) {
            std::os::unix::fs::chown(&path, Some(owner.uid()), Some(owner.gid())).with_context(failed)?;
        }
    }
    Ok(())
}
