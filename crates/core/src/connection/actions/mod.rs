//! The actions of the commands: one command, one file. An action reads its context and appends effects. It never sends,
//! never locks, and never changes a session itself.

mod authenticate;
mod broadcast;
mod help;
mod history;
mod join;
mod leave;
mod login;
mod message;
mod msg;
mod passwd;
mod ping;
mod publish;
mod register;
mod rooms;
mod subscribe;
mod subscribers;
mod subscriptions;
mod unsubscribe;
mod who;

use std::time::Duration;

use parlor_proto::{Bye, Command, Generation, Password, PreLoginCommand, Refusal, RoomName, UserName};

use crate::connection::effects::{CommandError, During, Effect};
use crate::delivery::peer::{ConnectionId, Origin, Peer};
use crate::ports::{Store, StoreResult};
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
    pub(crate) effects: &'a mut Vec<Effect>,
}

impl ConnectionContext<'_> {
    pub(crate) fn store(&self) -> &Store {
        &self.services.store
    }

    pub(crate) fn connection_id(&self) -> ConnectionId {
        self.peer.connection()
    }

    pub(crate) fn add(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Reports a failure that the client need not know.
    pub(crate) fn note(&self, what: &'static str, result: StoreResult<()>) {
        if let Err(error) = result {
            self.services.observer.store_failed(what, &error);
        }
    }

    /// Time left for the login; without limit in a session.
    pub(crate) fn time_left(&self) -> Duration {
        let now = self.services.clock.elapsed();
        self.login_deadline.map_or(Duration::MAX, |deadline| deadline.saturating_sub(now))
    }

    /// Makes the client wait.
    pub(crate) fn pause(&self, time: Duration) {
        self.peer.transport().pause(time);
    }
}

/// What an action may see of a session.
pub(crate) struct SessionContext<'a> {
    pub(crate) connection: ConnectionContext<'a>,
    pub(crate) user: &'a UserName,
    pub(crate) generation: Generation,
    pub(crate) room: &'a RoomName,
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
        PreLoginCommand::Format(format) => done(context, Effect::Format(format)),
        PreLoginCommand::Ping(token) => done(context, ping::answer(token)),
        PreLoginCommand::Help => done(context, help::answer(false)),
        PreLoginCommand::Quit => done(context, Effect::HangUp(Bye::Quit)),
    }
}

/// Carries out a command of a session.
pub(crate) fn run(context: &mut SessionContext<'_>, command: Command) -> ActionResult {
    match command {
        Command::Message(text) => message::run(context, text),
        Command::Join(room) => join::run(context, room),
        Command::Leave => leave::run(context),
        Command::Rooms => rooms::run(context),
        Command::Who(room) => who::run(context, room),
        Command::Subscribe(user) => subscribe::run(context, user),
        Command::Unsubscribe(user) => unsubscribe::run(context, user),
        Command::Subscriptions => subscriptions::run(context),
        Command::Subscribers => subscribers::run(context),
        Command::Publish(text) => publish::run(context, text),
        Command::Msg { to, text } => msg::run(context, to, text),
        Command::History(count) => history::run(context, count),
        Command::Broadcast(text) => broadcast::run(context, text),
        Command::Passwd { old, new } => passwd::run(context, &old, &new),
        Command::Format(format) => done(&mut context.connection, Effect::Format(format)),
        Command::Ping(token) => done(&mut context.connection, ping::answer(token)),
        Command::Help => done(&mut context.connection, help::answer(true)),
        Command::Quit => done(&mut context.connection, Effect::HangUp(Bye::Quit)),
    }
}

/// Refuses a new password that is too short. Passwords of existing accounts are not checked.
fn check_length(context: &ConnectionContext<'_>, password: &Password) -> Result<(), CommandError> {
    let min = context.services.policy.min_password;
    if password.characters() < min { Err(Refusal::PasswordTooShort(min).into()) } else { Ok(()) }
}

fn done(context: &mut ConnectionContext<'_>, effect: Effect) -> ActionResult {
    context.add(effect);
    Ok(())
}
