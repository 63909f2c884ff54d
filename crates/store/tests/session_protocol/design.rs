//! What is varied between the checks: the parts of the design, each of which can be left out, and the bounds
//! of a scenario. It must not know how a part works.

/// The parts that hold the protocol together. With all of them it is the design as it is built.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Design {
    /// A claimant that evicts leaves a fence against enters of earlier sessions that are still under way.
    pub(crate) fence: bool,
    /// An enter is refused after its deadline, and fences live longer than that.
    pub(crate) enter_deadline: bool,
    /// The deadline of an enter is taken before the room is noted, not after.
    pub(crate) deadline_first: bool,
    /// The deadline of an enter is no later than the end of its server's lease.
    pub(crate) enters_within_lease: bool,
    /// So it is with claims, and with what puts a session back.
    pub(crate) claims_within_lease: bool,
    /// A room is noted with the session before it is entered.
    pub(crate) note_first: bool,
    /// What forgets a room does not touch a note that is newer.
    pub(crate) notes_numbered: bool,
    /// A displaced session keeps its notes until it is released.
    pub(crate) notes_kept: bool,
    /// A room append demands that the member has the speaker's generation.
    pub(crate) generation_check: bool,
    /// An append that was seen before is not stored again.
    pub(crate) append_numbered: bool,
    /// An enter of one who is there is not announced again.
    pub(crate) enter_numbered: bool,
    /// Earlier memberships are ended before the login is answered.
    pub(crate) evict_first: bool,
    /// Commands of one server for one slot are carried out in the order in which they were sent: a connection that
    /// broke is ended at the other end, too, before another takes its place.
    pub(crate) late_cut_off: bool,
    /// An enter that failed is taken back, until that is done.
    pub(crate) failed_enter_undone: bool,
    /// A session is given up only after everything of it was taken back.
    pub(crate) release_waits: bool,
    /// A claim that failed is taken back.
    pub(crate) failed_claim_undone: bool,
    /// A claim that comes again after it was granted and displaced is not granted again.
    pub(crate) claims_once: bool,
    /// The displaced server is told by the script that displaces.
    pub(crate) notice_in_claim: bool,
    /// Whoever may have missed notices looks after its sessions.
    pub(crate) check_after_loss: bool,
    /// The reverse index has the connection before its session is claimed.
    pub(crate) index_first: bool,
    /// The reverse index has an entry per connection, not per user.
    pub(crate) index_by_connection: bool,
    /// A server whose lease ran out comes back under another id.
    pub(crate) stable_death: bool,
    /// A server that lost its lease lets its clients begin nothing before it looked after all its sessions.
    pub(crate) server_waits: bool,
    /// A session that is looked after enters its rooms anew, whatever is found.
    pub(crate) restorer_enters: bool,
    /// It does so only if they could be noted.
    pub(crate) restorer_heeds_notes: bool,
    /// While a session is looked after its own thread waits, and the other way round.
    pub(crate) restorer_excludes: bool,
    /// A session that is put back displaces an earlier one.
    pub(crate) restore_displaces: bool,
    /// Survivors reap a server whose lease ran out.
    pub(crate) survivors_reap: bool,
    /// The reaper removes the memberships that it has seen noted, not later ones.
    pub(crate) reaper_spares_the_new: bool,
    /// The reaper ends memberships before it deletes what leads to them.
    pub(crate) reaper_expels_first: bool,
}

impl Design {
    pub(crate) const WHOLE: Self = Self {
        fence: true,
        enter_deadline: true,
        deadline_first: true,
        enters_within_lease: true,
        claims_within_lease: true,
        note_first: true,
        notes_numbered: true,
        notes_kept: true,
        generation_check: true,
        append_numbered: true,
        enter_numbered: true,
        evict_first: true,
        late_cut_off: true,
        failed_enter_undone: true,
        release_waits: true,
        failed_claim_undone: true,
        claims_once: true,
        notice_in_claim: true,
        check_after_loss: true,
        index_first: true,
        index_by_connection: true,
        stable_death: true,
        server_waits: true,
        restorer_enters: true,
        restorer_heeds_notes: true,
        restorer_excludes: true,
        restore_displaces: true,
        survivors_reap: true,
        reaper_spares_the_new: true,
        reaper_expels_first: true,
    };
}

/// What one connection of the user does after its login.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Guest {
    /// The server it is connected to.
    pub(crate) server: u8,
    /// How often it may move to the other room.
    pub(crate) moves: u8,
    /// Whether it may say something.
    pub(crate) speaks: bool,
    /// Whether it may quit.
    pub(crate) quits: bool,
}

impl Guest {
    /// One that logs in and stays.
    pub(crate) const fn on(server: u8) -> Self {
        Self { server, moves: 0, speaks: false, quits: false }
    }

    pub(crate) const fn moving(self, moves: u8) -> Self {
        Self { moves, ..self }
    }

    pub(crate) const fn speaking(self) -> Self {
        Self { speaks: true, ..self }
    }

    pub(crate) const fn quitting(self) -> Self {
        Self { quits: true, ..self }
    }
}

/// How often each thing may go wrong in one run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Faults {
    /// Leases that run out: of servers that freeze for a while, or die, or are cut off.
    pub(crate) lapses: u8,
    /// Commands that are carried out twice: a lost reply and a retry, whose order is open.
    pub(crate) repeats: u8,
    /// Callers that stop waiting; their command is lost, or carried out later.
    pub(crate) timeouts: u8,
    /// Notices of a displacement that get lost.
    pub(crate) lost_notices: u8,
    /// How often a server looks after a session without being asked to.
    pub(crate) audits: u8,
    /// How often Redis loses all that it has, while no command is under way.
    pub(crate) losses: u8,
}

/// A bounded world: one user, two rooms.
#[derive(Debug, Clone)]
pub(crate) struct Scenario {
    pub(crate) servers: u8,
    pub(crate) guests: Vec<Guest>,
    pub(crate) faults: Faults,
    /// How many of the guests are logged in at the beginning.
    pub(crate) logged_in: u8,
    /// The policy `reject`; else `takeover`.
    pub(crate) rejects: bool,
}

impl Scenario {
    /// Guests who come in this order to two servers, where nothing goes wrong.
    pub(crate) fn of<const N: usize>(guests: [Guest; N]) -> Self {
        Self { servers: 2, guests: guests.to_vec(), faults: Faults::default(), logged_in: 0, rejects: false }
    }

    pub(crate) fn servers(self, servers: u8) -> Self {
        Self { servers, ..self }
    }

    pub(crate) fn logged_in(self, logged_in: u8) -> Self {
        Self { logged_in, ..self }
    }

    pub(crate) fn rejecting(self) -> Self {
        Self { rejects: true, ..self }
    }

    pub(crate) fn lapses(mut self, lapses: u8) -> Self {
        self.faults.lapses = lapses;
        self
    }

    pub(crate) fn repeats(mut self, repeats: u8) -> Self {
        self.faults.repeats = repeats;
        self
    }

    pub(crate) fn timeouts(mut self, timeouts: u8) -> Self {
        self.faults.timeouts = timeouts;
        self
    }

    pub(crate) fn lost_notices(mut self, lost_notices: u8) -> Self {
        self.faults.lost_notices = lost_notices;
        self
    }

    pub(crate) fn audits(mut self, audits: u8) -> Self {
        self.faults.audits = audits;
        self
    }

    pub(crate) fn losses(mut self, losses: u8) -> Self {
        self.faults.losses = losses;
        self
    }
}
