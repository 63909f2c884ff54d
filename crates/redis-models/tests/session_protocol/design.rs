//! The parameters of the checks: the parts of the design, each of which can be left out, and the bounds of a scenario.
//! It must not know how a part works.

/// The parts of the protocol. With all of them it is the design as it is built.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Design {
    /// An evicting claimant leaves a fence against enters of earlier sessions that are still in flight.
    pub(crate) fence: bool,
    /// An enter is rejected after its deadline, and fences live longer than that.
    pub(crate) enter_deadline: bool,
    /// The deadline of an enter is taken before the room is noted, not after.
    pub(crate) deadline_first: bool,
    /// The deadline of an enter is no later than the end of its server's lease.
    pub(crate) enters_within_lease: bool,
    /// The same limit applies to claims and restores.
    pub(crate) claims_within_lease: bool,
    /// A room is noted at the session before it is entered.
    pub(crate) note_first: bool,
    /// The claim notes the lobby, so that the first enter needs no note of its own.
    pub(crate) claim_notes: bool,
    /// That enter has the number of the note.
    pub(crate) enters_as_noted: bool,
    /// Its deadline was taken before the claim. After that, the enter is noted as any other.
    pub(crate) first_enter_in_time: bool,
    /// A session that was restored before its first enter does need a note.
    pub(crate) restored_notes_anew: bool,
    /// Removing a note does not touch a newer note.
    pub(crate) notes_numbered: bool,
    /// A displaced session keeps its notes until it is released.
    pub(crate) notes_kept: bool,
    /// An append to a room requires that the member has the sender's generation.
    pub(crate) generation_check: bool,
    /// A repeated append is not stored again.
    pub(crate) append_numbered: bool,
    /// An enter of a session that is already a member is not announced again.
    pub(crate) enter_numbered: bool,
    /// Earlier memberships are removed before the login is answered.
    pub(crate) evict_first: bool,
    /// Commands of one server for one slot run in the order in which they were sent: a broken connection is closed at
    /// the other end, too, before another one replaces it.
    pub(crate) late_cut_off: bool,
    /// A failed enter is undone, with retries until that succeeds.
    pub(crate) failed_enter_undone: bool,
    /// A session is released only after all its pending cleanups are done.
    pub(crate) release_waits: bool,
    /// A failed claim is undone.
    pub(crate) failed_claim_undone: bool,
    /// If a claim was granted and displaced, a repetition of it is not granted.
    pub(crate) claims_once: bool,
    /// The script that displaces a session also notifies the displaced server.
    pub(crate) notice_in_claim: bool,
    /// A server that may have missed notices checks its sessions.
    pub(crate) check_after_loss: bool,
    /// The reverse index has the connection before its session is claimed.
    pub(crate) index_first: bool,
    /// The reverse index has an entry per connection, not per user.
    pub(crate) index_by_connection: bool,
    /// A server whose lease expired comes back under another id.
    pub(crate) stable_death: bool,
    /// A server that lost its lease lets its clients begin nothing before it has checked all its sessions.
    pub(crate) server_waits: bool,
    /// A checked session enters its rooms again, whatever is found.
    pub(crate) restorer_enters: bool,
    /// It does so only if the rooms could be noted.
    pub(crate) restorer_heeds_notes: bool,
    /// While a session is checked its own thread waits, and the other way round.
    pub(crate) restorer_excludes: bool,
    /// A restored session displaces an earlier one.
    pub(crate) restore_displaces: bool,
    /// Survivors reap a server whose lease expired.
    pub(crate) survivors_reap: bool,
    /// The reaper removes the memberships that it has seen noted, not later ones.
    pub(crate) reaper_spares_the_new: bool,
    /// The reaper removes memberships before it deletes the data that leads to them.
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
        claim_notes: true,
        enters_as_noted: true,
        first_enter_in_time: true,
        restored_notes_anew: true,
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

/// The actions of one connection of the user after its login.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Guest {
    /// The server it is connected to.
    pub(crate) server: u8,
    /// How often it may move to the other room.
    pub(crate) moves: u8,
    /// Whether it may send a message.
    pub(crate) speaks: bool,
    /// Whether it may quit.
    pub(crate) quits: bool,
}

impl Guest {
    /// A connection that logs in and stays.
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

/// How often each fault may happen in one run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Faults {
    /// Leases that expire: of servers that freeze for a while, or die, or are cut off.
    pub(crate) lapses: u8,
    /// Commands that run twice: a lost reply and a retry, in any order.
    pub(crate) repeats: u8,
    /// Callers that stop waiting; their command is lost, or runs later.
    pub(crate) timeouts: u8,
    /// Notices of a displacement that get lost.
    pub(crate) lost_notices: u8,
    /// How often a server checks a session without a request.
    pub(crate) audits: u8,
    /// How often Redis loses all data, while no command is in flight.
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
    /// The policy `reject`; otherwise `takeover`.
    pub(crate) rejects: bool,
}

impl Scenario {
    /// Guests that arrive in this order at two servers, without faults.
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
