//! What operators do with rooms whose logs are in memory. It must not write their rights itself.

use std::collections::HashMap;

use parlor_core::Flush;
use parlor_core::ports::{Entry, LogId, Recipient, StoreResult};
use parlor_core::rights::Holder;

use super::{MemoryLog, MemoryLogData, Stored};
use crate::administration::{self, RoomOrder, RoomRequest, Verdict};
use crate::in_process::StagedAct;
use crate::sync::lock;

impl MemoryLog {
    /// Carries out what an operator wants. `forget` deletes what else is kept of a room that ends.
    pub(crate) fn administer(
        &self,
        request: &RoomRequest,
        forget: impl FnOnce() -> StoreResult<()>,
    ) -> StoreResult<(Verdict, Flush)> {
        let refused = |verdict| Ok((verdict, Flush::default()));
        if let Some(endless) = administration::endless(request) {
            return refused(endless);
        }
        let mut logs = lock(&self.logs);
        match &request.order {
            RoomOrder::Transfer(to) => {
                let gone = self.gone(request)?;
                self.change(&mut logs, request, self.live.stage_transfer(request, to.as_ref(), &gone))
            }
            RoomOrder::Admit(user) => self.change(&mut logs, request, self.live.stage_admission(request, user)),
            RoomOrder::Delete => {
                let Some(staged) = self.live.stage_removals(&request.room) else {
                    return refused(administration::unknown(&request.room));
                };
                let flush = self.finish(&mut logs, request, staged, forget())?;
                if let Some(data) = logs.get_mut(&LogId::Room(request.room.clone())) {
                    *data = MemoryLogData { last: data.last, ..MemoryLogData::default() };
                }
                self.live.end_room(&request.room, request.time);
                Ok((Verdict::Done, flush))
            }
        }
    }

    /// Keeps the rights that were staged, and delivers what goes into the log.
    fn change(
        &self,
        logs: &mut HashMap<LogId, MemoryLogData>,
        request: &RoomRequest,
        staged: Result<StagedAct, Option<String>>,
    ) -> StoreResult<(Verdict, Flush)> {
        let staged = match staged {
            Ok(staged) => staged,
            Err(None) => return Ok((administration::unknown(&request.room), Flush::default())),
            Err(Some(why)) => return Ok((Verdict::Refused(why), Flush::default())),
        };
        let kept = match &staged.rights {
            Some(rights) => self.conversations.keep_rights(&request.room, rights),
            None => Ok(()),
        };
        let flush = self.finish(logs, request, vec![staged], kept)?;
        Ok((Verdict::Done, flush))
    }

    /// Those with a role in the room whose account is gone.
    fn gone(&self, request: &RoomRequest) -> StoreResult<Vec<Holder>> {
        let rights = self.live.rights(std::slice::from_ref(&request.room)).into_iter().flatten().next();
        let mut gone = Vec::new();
        for holder in rights.iter().flat_map(|rights| rights.holders()) {
            let account = Recipient { user: holder.user.clone(), created: holder.account };
            if !self.conversations.exists(&account)? {
                gone.push(holder.clone());
            }
        }
        Ok(gone)
    }

    /// Delivers what was staged, or undoes it if it could not be kept.
    fn finish(
        &self,
        logs: &mut HashMap<LogId, MemoryLogData>,
        request: &RoomRequest,
        staged: Vec<StagedAct>,
        kept: StoreResult<()>,
    ) -> StoreResult<Flush> {
        if let Err(error) = kept {
            staged.into_iter().rev().for_each(|staged| self.live.undo(staged));
            return Err(error);
        }
        let (log, mut stored) = (LogId::Room(request.room.clone()), Stored::new());
        for content in staged.iter().filter_map(|staged| staged.content.clone()) {
            let (time, author) = (request.time, request.by.clone());
            self.push(logs, log.clone(), &mut stored, |id| Entry { id, time, author, to: None, content });
        }
        self.live.keep(stored.keys());
        let mut flush = Flush::default();
        stored.iter().for_each(|(log, entries)| flush.merge(self.sink.deliver(log, entries)));
        staged.into_iter().for_each(|staged| flush.merge(self.live.settle(staged)));
        Ok(flush)
    }
}
