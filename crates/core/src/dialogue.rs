//! What one connection says and is answered: understands lines, carries out the effects of actions in their
//! order, and gathers what is said in one go into one append. It must not wait for input or touch sockets.

use parlor_proto::{Bye, Encoded, Event, Misread, Refusal, Reply, Text, UserName, Verb, parse_command, parse_greeting};

use crate::actions::{self, Context, Visit};
use crate::effects::{Denial, Effect};
use crate::peer::Origin;
use crate::ports::{Append, Appended, Direct, LogId, StoreError};
use crate::session::{Place, Session, Unable};

/// The dialogue with one connection. Owned by its thread.
pub(crate) struct Dialogue {
    place: Place,
    origin: Origin,
    session: Option<Session>,
    login_failures: u32,
    /// What was said and is not appended yet.
    drafts: Vec<Append>,
}

impl Dialogue {
    pub(crate) fn new(place: Place, origin: Origin) -> Self {
        Self { place, origin, session: None, login_failures: 0, drafts: Vec::new() }
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    pub(crate) fn is_limited(&self) -> bool {
        !self.origin.is_loopback || self.place.parlor.policy.limit_loopback
    }

    pub(crate) fn session(&self) -> Option<&Session> {
        self.session.as_ref()
    }

    pub(crate) fn take_session(&mut self) -> Option<Session> {
        self.session.take()
    }

    pub(crate) fn session_mut(&mut self) -> Option<(&mut Session, &Place)> {
        self.session.as_mut().map(|session| (session, &self.place))
    }

    /// Whether a goodbye was said, after which nothing is carried out.
    pub(crate) fn is_over(&self) -> bool {
        let outbox = self.place.peer.outbox();
        outbox.goodbye().is_some() || outbox.is_dead()
    }

    /// Understands one line and carries it out, except that messages are only gathered.
    pub(crate) fn line(&mut self, line: &[u8]) {
        let mut effects = Vec::new();
        let done =
            if self.session.is_some() { self.command(line, &mut effects) } else { self.greeting(line, &mut effects) };
        match done {
            Ok(verb) => self.carry_out(effects, verb),
            Err((verb, denial)) => self.deny(denial, verb),
        }
    }

    pub(crate) fn refuse(&mut self, refusal: &Refusal, verb: Option<Verb>) {
        self.reply(&Event::refused(refusal, verb));
        if self.session.is_none() && refusal.counts_as_login_failure() {
            self.login_failures += 1;
            if self.login_failures >= self.place.parlor.policy.max_login_failures {
                self.hang_up(Bye::TooManyFailures);
            }
        }
    }

    /// Appends what was gathered, and answers.
    pub(crate) fn commit(&mut self) {
        if self.drafts.is_empty() {
            return;
        }
        // Others may wait long for the append; what was answered so far need not.
        self.place.peer.flush();
        let drafts = std::mem::take(&mut self.drafts);
        let logs: Vec<LogId> = drafts.iter().map(|draft| draft.log.clone()).collect();
        let report = self.place.parlor.store.log.append(drafts);
        let last = logs.last().cloned();
        for (log, outcome) in logs.into_iter().zip(report.outcomes) {
            self.answer_append(log, outcome);
        }
        report.flush.run();
        if let Some(log) = last {
            self.place.parlor.hub.await_flush(&log);
        }
    }

    /// Says goodbye; nothing is carried out after it.
    pub(crate) fn hang_up(&mut self, bye: Bye) {
        self.commit();
        self.place.peer.close(bye).run();
    }

    fn greeting(&mut self, line: &[u8], effects: &mut Vec<Effect>) -> Result<Verb, (Option<Verb>, Denial)> {
        let Some(greeting) = parse_greeting(line).map_err(misread)? else { return Ok(Verb::Message) };
        let verb = greeting.verb();
        let mut visit = Visit { parlor: &self.place.parlor, peer: &self.place.peer, origin: &self.origin, effects };
        actions::greet(&mut visit, greeting).map_err(|denial| (Some(verb), denial))?;
        Ok(verb)
    }

    fn command(&mut self, line: &[u8], effects: &mut Vec<Effect>) -> Result<Verb, (Option<Verb>, Denial)> {
        let Some(command) = parse_command(line).map_err(misread)? else { return Ok(Verb::Message) };
        let verb = command.verb();
        if verb != Verb::Message {
            self.commit();
        }
        let Some(session) = &self.session else { return Ok(verb) };
        let visit = Visit { parlor: &self.place.parlor, peer: &self.place.peer, origin: &self.origin, effects };
        let mut context = Context { visit, user: session.user(), room: session.room() };
        actions::run(&mut context, command).map_err(|denial| (Some(verb), denial))?;
        Ok(verb)
    }

    fn carry_out(&mut self, effects: Vec<Effect>, verb: Verb) {
        for effect in effects {
            if let Err(unable) = self.apply(effect) {
                match unable {
                    Unable::Denied(denial) => self.deny(denial, Some(verb)),
                    Unable::Displaced => self.hang_up(Bye::LoggedInElsewhere),
                }
                return;
            }
        }
    }

    fn apply(&mut self, effect: Effect) -> Result<(), Unable> {
        match effect {
            Effect::Reply(event) => self.reply(&event),
            Effect::Append { log, text } => self.draft(log, text),
            Effect::Move { to, verb } => {
                if let Some(session) = &mut self.session {
                    session.move_to(&self.place, to, verb)?;
                }
            }
            Effect::Follow(publisher) => {
                if let Some(session) = &mut self.session {
                    session.follow(&self.place, publisher)?;
                }
            }
            Effect::Unlisten(publisher) => {
                if let Some(session) = &mut self.session {
                    session.unlisten(&self.place, &publisher);
                }
            }
            Effect::Direct { to, text } => self.send_direct(to, text)?,
            Effect::Broadcast(text) => self.broadcast(text)?,
            Effect::Format(format) => {
                self.commit();
                self.place.peer.outbox().reply_in(format, &Encoded::new(&Reply::Format { format }.into()));
            }
            Effect::Begin { user, verb } => {
                let session = Session::begin(&self.place, &self.origin, user, verb)?;
                self.place.parlor.observer.session_began(self.place.peer.connection(), session.user());
                self.session = Some(session);
            }
            Effect::HangUp(bye) => self.hang_up(bye),
        }
        Ok(())
    }

    fn draft(&mut self, log: LogId, text: Text) {
        let Some(session) = &self.session else { return };
        self.drafts.push(Append {
            log,
            author: session.user().clone(),
            generation: session.generation(),
            time: self.place.parlor.clock.now(),
            text,
        });
    }

    fn answer_append(&mut self, log: LogId, outcome: Result<Appended, StoreError>) {
        match (outcome, log) {
            (Ok(Appended::Stored(id)), LogId::Room(room)) => self.reply(&Reply::Message { room, id }.into()),
            (Ok(Appended::Stored(id)), LogId::Feed(_)) => self.reply(&Reply::Publish { id }.into()),
            (Ok(Appended::Fenced), _) => self.hang_up(Bye::LoggedInElsewhere),
            (Err(error), log) => {
                let verb = if matches!(log, LogId::Room(_)) { Verb::Message } else { Verb::Publish };
                self.deny(Denial::Failed { what: "appending to a log", error }, Some(verb));
            }
        }
    }

    fn direct(&self, text: Text) -> Option<Direct> {
        let from = self.session.as_ref()?.user().clone();
        Some(Direct { time: self.place.parlor.clock.now(), from, text })
    }

    fn send_direct(&mut self, to: UserName, text: Text) -> Result<(), Denial> {
        let Some(message) = self.direct(text) else { return Ok(()) };
        let sent = self.place.parlor.store.bus.direct(&to, &message);
        match sent.map_err(|error| Denial::Failed { what: "sending a direct message", error })? {
            true => self.reply(&Reply::Msg { user: to }.into()),
            false => return Err(Refusal::UserOffline(to).into()),
        }
        Ok(())
    }

    fn broadcast(&mut self, text: Text) -> Result<(), Denial> {
        let Some(message) = self.direct(text) else { return Ok(()) };
        let sent = self.place.parlor.store.bus.broadcast(&message);
        sent.map_err(|error| Denial::Failed { what: "broadcasting", error })?;
        self.reply(&Reply::Broadcast.into());
        Ok(())
    }

    fn deny(&mut self, denial: Denial, verb: Option<Verb>) {
        match denial {
            Denial::Refused(refusal) => self.refuse(&refusal, verb),
            Denial::Failed { what, error } => {
                self.place.parlor.observer.store_failed(what, &error);
                self.refuse(&Refusal::StoreUnavailable, verb);
            }
        }
    }

    /// Queues an answer, after those of what was said before it.
    fn reply(&mut self, event: &Event) {
        self.commit();
        self.place.peer.reply(event);
    }
}

fn misread(misread: Misread) -> (Option<Verb>, Denial) {
    (misread.verb, misread.refusal.into())
}
