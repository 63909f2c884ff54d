//! The feeds that a session receives: following and unfollowing users. A follow is durable, so the store and the session
//! may differ after a failure.

use parlor_proto::{Refusal, Timestamp, UserName};

use super::{Session, SessionError};
use crate::connection::effects::{CommandError, During};
use crate::connection::handle::ConnectionHandle;
use crate::planted::{Bug, planted};
use crate::ports::{LogId, Mark};

impl Session {
    /// Whether this session receives a user's publications.
    pub(crate) fn is_subscribed_to(&self, publisher: &UserName) -> bool {
        self.logs.get(&LogId::Feed(publisher.clone())).is_some_and(|feed| feed.topic.has(self.connection))
    }

    /// The users whose publications it receives, sorted.
    pub(super) fn publishers(&self) -> impl Iterator<Item = &UserName> {
        self.logs.keys().filter_map(|log| match log {
            LogId::Feed(publisher) => Some(publisher),
            LogId::Room(_) | LogId::Inbox(_) => None,
        })
    }

    /// Follows a user durably, and receives the user's publications from now on. A failure changes nothing: the
    /// recipient is added first, since it can be removed again.
    pub(crate) fn follow(&mut self, handle: &ConnectionHandle, publisher: UserName) -> Result<(), CommandError> {
        let mut is_new = false;
        loop {
            // The recipient exists already if the store has lost the follow. It is gone if an account of that name was
            // deleted, which can happen even in this loop.
            if !self.is_subscribed_to(&publisher) {
                self.unlisten_feed(handle, &publisher);
                self.listen(handle, vec![LogId::Feed(publisher.clone())])?;
                is_new = true;
            }
            match handle.subscribe(self.user(), &publisher) {
                Ok(created) if self.note_owner(&publisher, created) => break,
                Ok(_) => {}
                Err(error) => {
                    if is_new {
                        self.unlisten_feed(handle, &publisher);
                    }
                    return Err(error);
                }
            }
        }
        let log = LogId::Feed(publisher);
        if let Some(feed) = self.logs.get(&log) {
            feed.topic.activate(self.connection, None, |_| None).run();
            if is_new {
                // What is published from now on is unread, also while the follower is away.
                let (read, last) = (feed.since, feed.since);
                self.save_marks(handle, vec![Mark { log, read, last }]);
            }
        }
        Ok(())
    }

    /// Unfollows a user, and receives no more publications of the user. A store that was emptied may not know a follow
    /// that this session still receives. So the call is refused only if neither the store nor the session knows it.
    pub(crate) fn unfollow(&mut self, handle: &ConnectionHandle, publisher: UserName) -> Result<(), CommandError> {
        let was_stored = handle.services.store.follows.unsubscribe(self.user(), &publisher).during("unsubscribing")?;
        let was_heard = self.is_subscribed_to(&publisher);
        self.unlisten_feed(handle, &publisher);
        if was_stored || was_heard { Ok(()) } else { Err(Refusal::NotSubscribed(publisher).into()) }
    }

    /// Drops the feeds of accounts that were deleted before the session subscribed to them, and adds those that the session
    /// before followed last. Later deletions arrive as events.
    pub(super) fn check_feeds(
        &mut self,
        handle: &ConnectionHandle,
        followed: Vec<UserName>,
    ) -> Result<(), SessionError> {
        self.drop_unfollowed(handle, &followed);
        let feeds = followed.into_iter().map(LogId::Feed);
        let new: Vec<LogId> = feeds.filter(|feed| self.logs.get(feed).is_none()).collect();
        if !new.is_empty() {
            self.listen(handle, new)?;
            // They are heard only now, so a deletion may have been missed.
            let follows = &handle.services.store.follows;
            let followed = follows.subscriptions(self.user()).during("listing subscriptions again")?;
            self.drop_unfollowed(handle, &followed);
        }
        Ok(())
    }

    fn drop_unfollowed(&mut self, handle: &ConnectionHandle, followed: &[UserName]) {
        let gone: Vec<UserName> = self.publishers().filter(|user| !followed.contains(*user)).cloned().collect();
        gone.iter().for_each(|publisher| self.unlisten_feed(handle, publisher));
    }

    /// Notes which account owns the feed. Returns `false` if the session does not receive the feed any more.
    fn note_owner(&self, publisher: &UserName, created: Timestamp) -> bool {
        let feed = self.logs.get(&LogId::Feed(publisher.clone()));
        feed.is_some_and(|feed| feed.topic.note_owner(self.connection, created))
    }

    /// Unsubscribes from the feed, if it was subscribed.
    fn unlisten_feed(&mut self, handle: &ConnectionHandle, publisher: &UserName) {
        let log = LogId::Feed(publisher.clone());
        if planted(Bug::HearUnfollowed) {
            self.logs.remove(&log);
        } else {
            self.unlisten(handle, &log);
        }
    }
}
