//! The input and the replies of one connection: parses lines, applies the effects of actions in order, and collects
//! consecutive messages into one append. It must not wait for input or touch sockets.

mod acts;
mod appends;

use std::sync::Arc;
use std::time::Duration;

use parlor_proto::{
    Bye, Command, Encoded, Encoding, Event, Invite, ParseError, PreLoginCommand, Refusal, Reply, Text,
    TicketCredentials, Verb, parse_command, parse_pre_login,
};

use crate::connection::actions::{self, ConnectionContext, SessionContext};
use crate::connection::effects::{CommandError, Effect};
use crate::connection::handle::ConnectionHandle;
use crate::connection::session::{Session, SessionError};
use crate::connection::session_cell::SessionCell;
use crate::delivery::peer::{Origin, Peer};
use crate::ports::{Append, Invitation, UnloggedMessage};
use crate::services::Services;

/// Processes the commands of one connection. Owned by its thread.
pub(crate) struct CommandProcessor {
    handle: ConnectionHandle,
    cell: Arc<SessionCell>,
    origin: Origin,
    /// While the thread works; otherwise it lies in the cell.
    session: Option<Box<Session>>,
    is_logged_in: bool,
    login_failures: u32,
    /// When the time limit for the login ends, as the clock's elapsed time.
    login_deadline: Duration,
    /// The invitation whose code the client showed.
    invitation: Option<Box<Invitation>>,
    /// What was said and is not appended yet, each with its command.
    pending_appends: Vec<(Append, Verb)>,
}

impl CommandProcessor {
    pub(crate) fn new(services: Arc<Services>, peer: Arc<Peer>, cell: Arc<SessionCell>, origin: Origin) -> Self {
        let mut processor = Self {
            handle: ConnectionHandle { services, peer, cell: cell.clone() },
            cell,
            origin,
            session: None,
            is_logged_in: false,
            login_failures: 0,
            login_deadline: Duration::ZERO,
            invitation: None,
            pending_appends: Vec::new(),
        };
        processor.start_login_timeout();
        processor
    }

    /// Starts the time limit for the login, or restarts it.
    pub(crate) fn start_login_timeout(&mut self) {
        let services = &self.handle.services;
        self.login_deadline = services.clock.elapsed() + services.policy.login_timeout;
    }

    /// Time left for the login; `None` if the client has logged in.
    pub(crate) fn time_to_log_in(&self) -> Option<Duration> {
        let now = self.handle.services.clock.elapsed();
        (!self.is_logged_in).then(|| self.login_deadline.saturating_sub(now))
    }

    pub(crate) fn handle(&self) -> &ConnectionHandle {
        &self.handle
    }

    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    pub(crate) fn set_origin(&mut self, origin: Origin) {
        self.origin = origin;
    }

    pub(crate) fn is_limited(&self) -> bool {
        !self.origin.is_loopback || self.handle.services.policy.limit_loopback
    }

    pub(crate) fn is_logged_in(&self) -> bool {
        self.is_logged_in
    }

    pub(crate) fn take_session(&mut self) -> Option<Box<Session>> {
        self.session.take()
    }

    pub(crate) fn session_mut(&mut self) -> Option<(&mut Session, &ConnectionHandle)> {
        self.session.as_deref_mut().map(|session| (session, &self.handle))
    }

    /// Takes the session out of the cell, where another thread may use it while this one waits for the client.
    pub(crate) fn take_session_up(&mut self) {
        if self.session.is_none() {
            self.session = self.cell.take();
        }
        self.catch_up();
    }

    /// Leaves the rooms from which the user was removed: no command may find them open.
    fn catch_up(&mut self) {
        if let Some(session) = &mut self.session {
            self.cell.catch_up(&self.handle, session);
        }
    }

    /// Puts the session into the cell.
    pub(crate) fn lay_session_down(&mut self) {
        if let Some(session) = self.session.take() {
            self.cell.put_back(&self.handle, session);
        }
    }

    /// Whether a goodbye was queued. Nothing is carried out after it.
    pub(crate) fn is_over(&self) -> bool {
        let outbox = self.handle.peer.outbox();
        outbox.goodbye().is_some() || outbox.is_dead()
    }

    /// Parses one line and carries it out. Messages are only collected.
    pub(crate) fn line(&mut self, line: &[u8]) {
        let mut effects = Vec::new();
        let done = if self.session.is_some() {
            self.command(line, &mut effects)
        } else {
            self.pre_login_command(line, &mut effects)
        };
        match done {
            Ok(verb) => self.carry_out(effects, verb),
            Err((verb, error)) => self.deny(error, verb),
        }
    }

    /// Begins a session by a ticket that came with the connection. One that is not valid is not answered.
    pub(crate) fn resume(&mut self, ticket: &TicketCredentials) {
        let mut effects = Vec::new();
        match self.run_pre_login(PreLoginCommand::Resume(ticket.clone()), &mut effects) {
            Ok(verb) => self.carry_out(effects, verb),
            Err((_, CommandError::Refused(Refusal::BadTicket))) => {}
            Err((verb, error)) => self.deny(error, verb),
        }
    }

    pub(crate) fn refuse(&mut self, refusal: &Refusal, verb: Option<Verb>) {
        self.reply(&Event::refused(refusal, verb));
        self.handle.services.observer.refused(refusal.code());
        if self.session.is_none() && refusal.counts_as_login_failure() {
            self.login_failures += 1;
            if self.login_failures >= self.handle.services.policy.max_login_failures {
                self.hang_up(Bye::TooManyFailures);
            }
        }
    }

    /// Queues the goodbye. Nothing is carried out after it.
    pub(crate) fn hang_up(&mut self, bye: Bye) {
        self.commit();
        let bye = if bye == Bye::LoggedInElsewhere { self.why_fenced() } else { bye };
        self.handle.peer.close_from_own_thread(bye);
    }

    /// Why the store takes nothing of this session any more: a later login, unless an operator ended it.
    fn why_fenced(&self) -> Bye {
        let later_login = Bye::LoggedInElsewhere;
        let Some(session) = &self.session else { return later_login };
        let account = self.handle.services.store.accounts.find(session.user()).unwrap_or_else(|error| {
            self.handle.note("looking up why a session ended", Err(error));
            None
        });
        account.filter(|account| session.version() < account.version()).map_or(later_login, |account| account.goodbye())
    }

    fn pre_login_command(&self, line: &[u8], effects: &mut Vec<Effect>) -> Result<Verb, (Option<Verb>, CommandError)> {
        let Some(command) = parse_pre_login(line).map_err(parse_error)? else { return Ok(Verb::Message) };
        self.run_pre_login(command, effects)
    }

    fn run_pre_login(
        &self,
        command: PreLoginCommand,
        effects: &mut Vec<Effect>,
    ) -> Result<Verb, (Option<Verb>, CommandError)> {
        let verb = command.verb();
        let Self { handle: ConnectionHandle { services, peer, .. }, origin, .. } = self;
        let (login_deadline, invitation) = (Some(self.login_deadline), self.invitation.as_deref());
        let mut context = ConnectionContext { services, peer, origin, login_deadline, invitation, effects };
        actions::run_pre_login(&mut context, command).map_err(|error| (Some(verb), error))?;
        Ok(verb)
    }

    fn command(&mut self, line: &[u8], effects: &mut Vec<Effect>) -> Result<Verb, (Option<Verb>, CommandError)> {
        let Some(command) = parse_command(line).map_err(parse_error)? else { return Ok(Verb::Message) };
        let verb = command.verb();
        // A command that itself only appends need not see earlier messages in the log.
        if !matches!(command, Command::Post { .. }) {
            self.commit();
            self.catch_up();
        }
        let Some(session) = &self.session else { return Ok(verb) };
        let ConnectionHandle { services, peer, .. } = &self.handle;
        let (origin, login_deadline, invitation) = (&self.origin, None, None);
        let connection = ConnectionContext { services, peer, origin, login_deadline, invitation, effects };
        let mut context = SessionContext {
            connection,
            user: session.user(),
            generation: session.generation(),
            version: session.version(),
            person: &|| session.person(),
            room: session.room(),
            open_rooms: &|| session.open_rooms().count(),
            is_open: &|room| session.is_open(room),
            is_subscribed_to: &|publisher| session.is_subscribed_to(publisher),
        };
        actions::run(&mut context, command).map_err(|error| (Some(verb), error))?;
        Ok(verb)
    }

    fn carry_out(&mut self, effects: Vec<Effect>, verb: Verb) {
        for effect in effects {
            if let Err(unable) = self.apply(effect, verb) {
                match unable {
                    SessionError::Denied(error) => self.deny(error, Some(verb)),
                    SessionError::Over(bye) => self.hang_up(bye),
                }
                return;
            }
        }
    }

    fn apply(&mut self, effect: Effect, verb: Verb) -> Result<(), SessionError> {
        match effect {
            Effect::Reply(event) => self.reply(&event),
            Effect::Audit(command) => {
                if let Some(session) = &self.session {
                    self.handle.services.observer.audited(session.user(), &command);
                }
            }
            Effect::Append { to, content, once } => self.queue_append(to, content, once, verb),
            Effect::Act { act, invited } => self.act(act, invited)?,
            Effect::Move { to, verb } => {
                if let Some(session) = &mut self.session {
                    session.move_to(&self.handle, to, verb)?;
                }
            }
            Effect::Open(room) => {
                if let Some(session) = &mut self.session {
                    session.open(&self.handle, room)?;
                }
            }
            Effect::Close(room) => {
                if let Some(session) = &mut self.session {
                    session.close(&self.handle, room)?;
                }
            }
            Effect::Switch(room) => {
                if let Some(session) = &mut self.session {
                    session.switch(&self.handle, room);
                }
            }
            Effect::Sync => {
                if let Some(session) = &mut self.session {
                    session.sync(&self.handle)?;
                }
            }
            Effect::Follow(publisher) => {
                if let Some(session) = &mut self.session {
                    session.follow(&self.handle, publisher)?;
                }
            }
            Effect::Unfollow(publisher) => {
                if let Some(session) = &mut self.session {
                    session.unfollow(&self.handle, publisher)?;
                }
            }
            Effect::Broadcast(text) => self.broadcast(text)?,
            Effect::Format(format) => {
                self.commit();
                let outbox = self.handle.peer.outbox();
                let encoding = Encoding { format, ..outbox.encoding() };
                outbox.reply_in(encoding, &Encoded::new(&Reply::Format { format }.into()));
            }
            Effect::Invited(invitation) => {
                let (uses, rooms) = (invitation.uses_left(), invitation.terms.rooms.clone());
                self.reply(&Reply::Invite(Invite::Code { uses, rooms, expires: invitation.expires }).into());
                self.invitation = Some(invitation);
            }
            Effect::Begin(entrance) => {
                let session = Session::begin(&self.handle, &self.origin, entrance)?;
                let connection = self.handle.peer.connection();
                self.handle.services.observer.session_began(connection, session.user(), &self.origin);
                self.session = Some(Box::new(session));
                self.is_logged_in = true;
                self.invitation = None;
            }
            Effect::HangUp(bye) => self.hang_up(bye),
        }
        Ok(())
    }

    fn unlogged_message(&self, text: Text) -> Option<UnloggedMessage> {
        let from = self.session.as_ref()?.user().clone();
        Some(UnloggedMessage { time: self.handle.services.clock.now(), from, text })
    }

    fn broadcast(&mut self, text: Text) -> Result<(), CommandError> {
        let Some(message) = self.unlogged_message(text) else { return Ok(()) };
        let sent = self.handle.services.store.bus.broadcast(&message);
        sent.map_err(|error| CommandError::Failed { what: "broadcasting", error })?;
        self.reply(&Reply::Broadcast.into());
        Ok(())
    }

    fn deny(&mut self, error: CommandError, verb: Option<Verb>) {
        match error {
            CommandError::Refused(refusal) => self.refuse(&refusal, verb),
            failed @ CommandError::Failed { .. } => {
                let refusal = self.handle.services.refusal(failed);
                self.refuse(&refusal, verb);
                // The failure may have taken long, and the next line may take long too.
                self.handle.peer.flush();
            }
        }
    }

    /// Queues a reply, after the replies to all earlier messages.
    fn reply(&mut self, event: &Event) {
        self.commit();
        self.handle.peer.reply(event);
    }
}

fn parse_error(parse_error: ParseError) -> (Option<Verb>, CommandError) {
    (parse_error.verb, parse_error.refusal.into())
}

#[cfg(test)]
mod tests;
