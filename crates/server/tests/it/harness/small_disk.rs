//! A file system that is soon full. It needs the permission to mount one.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use tempfile::TempDir;

/// A small file system, mounted on a directory as long as this lives.
pub(crate) struct SmallDisk(Arc<TempDir>);

impl SmallDisk {
    /// Mounts it. `None` where it cannot be mounted, which fails the test in a continuous integration.
    pub(crate) fn mount(size: &str) -> Option<Self> {
        let dir = Arc::new(tempfile::tempdir().unwrap());
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size},mode=700"), "tmpfs"])
            .arg(dir.path())
            .output();
        let reason = match mount {
            Ok(mount) if mount.status.success() => return Some(Self(dir)),
            Ok(mount) => String::from_utf8_lossy(&mount.stderr).into_owned(),
            Err(error) => error.to_string(),
        };
        println!("NOT TESTED: a full disk, since no file system could be mounted: {reason}");
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "has to be tested where CI is true: {reason}");
        None
    }

    /// The directory on which it is mounted.
    pub(crate) fn dir(&self) -> Arc<TempDir> {
        self.0.clone()
    }

    /// Fills it to the last byte with a file, and returns the file.
    pub(crate) fn fill(&self) -> PathBuf {
        let path = self.0.path().join("filler");
        let mut file = File::create(&path).unwrap();
        for size in [64 * 1024, 4096, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // If a test failed, the server may still have files open there.
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}
