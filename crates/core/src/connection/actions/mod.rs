//! The actions of the commands: one command, one file. An action reads its context and appends effects. It never sends,
//! never locks, and never changes a session itself.

mod backlog;
mod block;
mod blocks;
mod broadcast;
mod close;
mod edit;
mod help;
mod history;
mod hook;
mod hooks;
mod inbox;
mod invitation;
mod invitations;
mod invite;
mod join;
mod leave;
mod login;
mod message;
mod moderate;
mod msg;
mod open;
mod outhook;
mod page;
mod passwd;
mod ping;
mod publish;
mod read;
mod register;
mod remove;
mod resume;
mod revoke;
mod room;
mod rooms;
mod say;
mod subscribe;
mod subscribers;
mod subscriptions;
mod succession;
mod suspend;
mod switch;
mod sync;
mod ticket;
mod tickets;
mod topic;
mod unblock;
mod unhook;
mod uninvite;
mod unsubscribe;
mod unsuspend;
mod who;

use std::time::Duration;

use parlor_proto::{Bye, Command, Generation, Post, PreLoginCommand, Refusal, RoomName, Target, UserName};

use crate::connection::effects::{CommandError, During, Effect};
use crate::delivery::peer::{Origin, Peer};
use crate::login::Applicant;
use crate::ports::{AccountVersion, Act, Deed, Head, Invitation, LogId, Store, StoreError};
use crate::rights::Person;
use crate::services::Services;

/// The result of an action. Its effects are carried out only if it was not denied.
pub(crate) type ActionResult = Result<(), CommandError>;

/// What an action may see of a connection.
pub(crate) struct ConnectionContext<'a> {
    pub(crate) services: &'a Services,
    pub(crate) peer: &'a Peer,
    pub(crate) origin: &'a Origin,
    /// When the time limit for the login ends, as the clock's elapsed time; `None` in a session.
    pub(crate) login_deadline: Option<Duration>,
    /// The invitation whose code the client showed before.
    pub(crate) invitation: Option<&'a Invitation>,
    pub(crate) effects: &'a mut Vec<Effect>,
}

impl ConnectionContext<'_> {
    pub(crate) fn store(&self) -> &Store {
        &self.services.store
    }

    pub(crate) fn add(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// The client as somebody who shows a password or a ticket.
    pub(crate) fn applicant(&self) -> Applicant<'_> {
        let Self { services, peer, origin, login_deadline, .. } = self;
        Applicant { services, origin, connection: peer.connection(), deadline: *login_deadline, patience: *peer }
    }
}

/// What an action may see of a session.
pub(crate) struct SessionContext<'a> {
    pub(crate) connection: ConnectionContext<'a>,
    pub(crate) user: &'a UserName,
    pub(crate) generation: Generation,
    /// The account of the session.
    pub(crate) version: AccountVersion,
    /// The user, as rooms judged them when the session began.
    pub(crate) person: &'a dyn Fn() -> Person,
    /// The current room.
    pub(crate) room: &'a RoomName,
    /// Number of open rooms.
    pub(crate) open_rooms: &'a dyn Fn() -> usize,
    /// Whether a room is open.
    pub(crate) is_open: &'a dyn Fn(&RoomName) -> bool,
    /// Whether the session receives a user's publications.
    pub(crate) is_subscribed_to: &'a dyn Fn(&UserName) -> bool,
}

impl SessionContext<'_> {
    pub(crate) fn store(&self) -> &Store {
        self.connection.store()
    }

    pub(crate) fn add(&mut self, effect: Effect) {
        self.connection.add(effect);
    }

    /// Refuses what needs a room that is open, if it is not.
    fn require_open(&self, room: &RoomName) -> ActionResult {
        if (self.is_open)(room) { Ok(()) } else { Err(Refusal::NotInRoom(room.clone()).into()) }
    }

    /// The log of a conversation, which the session must receive. The log of a direct conversation is the session's
    /// inbox.
    fn readable_log(&self, target: &Target) -> Result<LogId, CommandError> {
        match target {
            Target::Room(room) => self.require_open(room).map(|()| LogId::Room(room.clone())),
            Target::Feed(user) if user != self.user && !(self.is_subscribed_to)(user) => {
                Err(Refusal::NotSubscribed(user.clone()).into())
            }
            Target::Feed(user) => Ok(LogId::Feed(user.clone())),
            Target::Direct(_) => Ok(LogId::Inbox(self.user.clone())),
        }
    }

    /// The position of a log.
    fn head(&self, log: &LogId) -> Result<Head, CommandError> {
        let heads = self.store().log.heads(std::slice::from_ref(log)).during("reading the head of a log")?;
        heads.first().copied().ok_or_else(|| CommandError::Failed {
            what: "reading the head of a log",
            error: StoreError::new("no reply"),
        })
    }

    /// An act of the user in a room, now.
    fn act(&self, room: &RoomName, actor: Person, deed: Deed) -> Act {
        let time = self.connection.services.clock.now();
        Act { room: room.clone(), actor, generation: self.generation, time, deed }
    }

    /// Whether the session may still act. If a later login displaced it, then it says goodbye instead. Must be the last
    /// check before anything that the store itself does not fence off, since a server that hung may have missed the
    /// other login.
    pub(crate) fn may_act(&mut self) -> Result<bool, CommandError> {
        let is_current = self.store().sessions.is_current(self.user, self.generation).during("looking a session up")?;
        if !is_current {
            self.add(Effect::HangUp(Bye::LoggedInElsewhere));
        }
        Ok(is_current)
    }
}

/// Carries out a command of a connection that has not logged in.
pub(crate) fn run_pre_login(context: &mut ConnectionContext<'_>, command: PreLoginCommand) -> ActionResult {
    match command {
        PreLoginCommand::Login(credentials) => login::run(context, &credentials),
        PreLoginCommand::Register(credentials) => register::run(context, &credentials),
        PreLoginCommand::Resume(credentials) => resume::run(context, &credentials),
        PreLoginCommand::Invite(code) => invite::run(context, &code),
        PreLoginCommand::Format(format) => done(context, Effect::Format(format)),
        PreLoginCommand::Ping(token) => done(context, ping::answer(token)),
        PreLoginCommand::Help => done(context, help::answer(false)),
        PreLoginCommand::Quit => done(context, Effect::HangUp(Bye::Quit)),
    }
}

/// Carries out a command of a session.
pub(crate) fn run(context: &mut SessionContext<'_>, command: Command) -> ActionResult {
    let audited = command.audited();
    dispatch(context, command)?;
    if let Some(audited) = audited {
        // The last effect: it is reached if all others were carried out.
        context.add(Effect::Audit(audited));
    }
    Ok(())
}

fn dispatch(context: &mut SessionContext<'_>, command: Command) -> ActionResult {
    match command {
        Command::Post { post: Post::Message(text), once } => message::run(context, text, once),
        Command::Post { post: Post::Say { room, text }, once } => say::run(context, room, text, once),
        Command::Post { post: Post::Publish(text), once } => publish::run(context, text, once),
        Command::Post { post: Post::Msg { to, text }, once } => msg::run(context, to, text, once),
        Command::Join(room) => join::run(context, room),
        Command::Leave => leave::run(context),
        Command::Open(room) => open::run(context, room),
        Command::Close(room) => close::run(context, room),
        Command::Switch(room) => switch::run(context, room),
        Command::Sync => sync::run(context),
        Command::Read { target, id } => read::run(context, target, id),
        Command::Backlog { target, range, count } => backlog::run(context, target, range, count),
        Command::Inbox => inbox::run(context),
        Command::Block(user) => block::run(context, user),
        Command::Unblock(user) => unblock::run(context, user),
        Command::Blocks => blocks::run(context),
        Command::Rooms => rooms::run(context),
        Command::Who(room) => who::run(context, room),
        Command::Subscribe(user) => subscribe::run(context, user),
        Command::Unsubscribe(user) => unsubscribe::run(context, user),
        Command::Subscriptions => subscriptions::run(context),
        Command::Subscribers => subscribers::run(context),
        Command::History(count) => history::run(context, count),
        Command::Post { post: Post::Edit { room, of, text }, once } => edit::run(context, room, of, text, once),
        Command::Room(room) => room::run(context, room),
        Command::Topic(room) => topic::run(context, room),
        Command::Moderate(room, order) => moderate::run(context, room, order),
        Command::Remove { room, of, reason } => remove::run(context, room, of, reason),
        Command::Hook { room, label } => hook::run(context, room, label),
        Command::Outhook { room, url } => outhook::run(context, room, url),
        Command::Hooks(room) => hooks::run(context, room),
        Command::Unhook { room, id } => unhook::run(context, room, id),
        Command::Suspend { user, duration, reason } => suspend::run(context, user, duration, reason),
        Command::Unsuspend(user) => unsuspend::run(context, user),
        Command::Broadcast(text) => broadcast::run(context, text),
        Command::Passwd { old, new } => passwd::run(context, &old, &new),
        Command::Ticket(label) => ticket::run(context, label),
        Command::Tickets => tickets::run(context),
        Command::Revoke(which) => revoke::run(context, which),
        Command::Invitation(rooms) => invitation::run(context, rooms),
        Command::Invitations => invitations::run(context),
        Command::Uninvite(id) => uninvite::run(context, id),
        Command::Format(format) => done(&mut context.connection, Effect::Format(format)),
        Command::Ping(token) => done(&mut context.connection, ping::answer(token)),
        Command::Help => done(&mut context.connection, help::answer(true)),
        Command::Quit => done(&mut context.connection, Effect::HangUp(Bye::Quit)),
    }
}

fn done(context: &mut ConnectionContext<'_>, effect: Effect) -> ActionResult {
    context.add(effect);
    Ok(())
}
