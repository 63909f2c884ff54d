//! The logs that a session receives, sorted. Most sessions receive two, so they lie in one small allocation. It must not
//! subscribe to anything.

use crate::connection::session::OpenLog;
use crate::ports::LogId;

/// A sorted list of logs.
#[derive(Default)]
pub(super) struct OpenLogs(Vec<(LogId, OpenLog)>);

impl OpenLogs {
    fn find(&self, log: &LogId) -> Result<usize, usize> {
        self.0.binary_search_by(|(other, _)| other.cmp(log))
    }

    pub(super) fn get(&self, log: &LogId) -> Option<&OpenLog> {
        self.find(log).ok().map(|at| &self.0[at].1)
    }

    pub(super) fn get_mut(&mut self, log: &LogId) -> Option<&mut OpenLog> {
        self.find(log).ok().map(|at| &mut self.0[at].1)
    }

    pub(super) fn insert(&mut self, log: LogId, open: OpenLog) {
        match self.find(&log) {
            Ok(at) => self.0[at].1 = open,
            Err(at) => {
                if self.0.len() < 2 {
                    self.0.reserve_exact(1);
                }
                self.0.insert(at, (log, open));
            }
        }
    }

    pub(super) fn remove(&mut self, log: &LogId) -> Option<OpenLog> {
        self.find(log).ok().map(|at| self.0.remove(at).1)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&LogId, &OpenLog)> {
        self.0.iter().map(|(log, open)| (log, open))
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &LogId> {
        self.iter().map(|(log, _)| log)
    }
}
