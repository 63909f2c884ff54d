//! Bugs planted on purpose, one at a time, to show that `parlor torture` finds each of them. Without the feature
//! `planted-bugs` there are none, and the check costs nothing. They must not be part of a release, and cannot be: a
//! build with the feature but without debug assertions is refused.

#[cfg(all(feature = "planted-bugs", not(debug_assertions)))]
compile_error!("the feature planted-bugs is for trying the checks, never for a release");

macro_rules! bugs {
    ($($variant:ident $name:literal $what:literal)*) => {
        /// A bug that can be planted.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Bug {
            $(#[doc = $what] $variant,)*
        }

        impl Bug {
            /// All bugs: the name that selects the bug, the bug, and its effect.
            pub const ALL: &[(&str, Self, &str)] = &[$(($name, Self::$variant, $what),)*];
        }
    };
}

bugs! {
    DropMessage "drop-message" "now and then one member does not get a message"
    SwapTwo "swap-two" "two messages that were said at once are delivered in the wrong order"
    Double "double-after-join" "the first message after a login or a join is delivered twice"
    HearOldRoom "hear-old-room" "messages of a room that was left still arrive"
    HearUnfollowed "hear-unfollowed" "publications still arrive after `/unsubscribe`"
    ForgetFollows "forget-follows" "who logs in again hears nothing of those they follow"
    WrongAddressee "wrong-addressee" "a direct message goes back to its sender"
    LoseSent "lose-sent" "now and then a direct message is not in its sender's inbox"
    LoseCopy "lose-copy" "now and then a direct message is not in its recipient's inbox"
    DoubleCopy "double-copy" "a direct message that is sent again gets to its recipient again"
    ForgetKey "forget-key" "what is sent again is stored again"
    MarkMovesBack "mark-moves-back" "a mark can be moved back"
    ForgetRoom "forget-room" "what `/open` opens is not remembered"
    PageSkips "page-skips" "the page after a number lacks its first entry"
    KeepRoomOpen "keep-room-open" "the end of a session leaves only its current room"
    HearMuted "hear-muted" "who is muted in a room can speak there"
    EndMuteEarly "end-mute-early" "a mute or a ban with a duration ends at once"
    MuteForEver "mute-for-ever" "a mute or a ban with a duration does not end"
    AdmitBanned "admit-banned" "who is banned from a room can enter it"
    ShowPrivate "show-private" "private rooms are shown to everybody"
    LoseEdit "lose-edit" "an accepted edit changes nothing"
    KeepRemoved "keep-removed" "a removed text is still shown to who reads the log"
    KickedHears "kicked-hears" "who is removed from a room still hears it"
    KeepTicket "keep-ticket" "a revoked ticket still lets its user in"
    ForgetTicket "forget-ticket" "a ticket from before the start of a server lets nobody in there"
    AnyTicket "any-ticket" "a ticket lets in whoever shows it, as any user who has one"
    EndlessInvitation "endless-invitation" "an invitation makes more accounts than it has uses"
    KeepHook "keep-hook" "an ended hook still lets a program post"
    SkipPost "skip-post" "now and then an outgoing hook skips a message"
    DropPart "drop-part" "nobody is told who leaves a room"
    Ghost "ghost" "who disconnects stays a member of the room"
    NoFence "no-fence" "an earlier session is neither ended nor fenced off"
    IgnorePolicy "ignore-policy" "a second login takes over where it is to be refused"
    CutOffReader "cut-off-reader" "one who reads is taken for a slow consumer"
    LoseAccepted "lose-accepted" "now and then an accepted message is not stored"
    ReuseNumber "reuse-number" "now and then two messages get one number, and the first is lost"
    DeliverEarly "deliver-early" "messages are delivered before they are committed"
    Stuck "stuck" "after some time no message is answered, though the server greets"
    SkipRepair "skip-repair" "what was missed while the link to Redis was down is not asked for"
    NoReaper "no-reaper" "the sessions of a dead server are never ended"
    LeakDescriptors "leak-descriptors" "a descriptor of each connection stays open"
    LeakMemory "leak-memory" "some memory of each message stays in use"
}

/// Whether this bug was planted when the process began.
#[cfg(not(feature = "planted-bugs"))]
#[inline]
pub const fn planted(_bug: Bug) -> bool {
    false
}

/// Whether this bug was planted when the process began. The variable `PARLOR_PLANTED_BUG` names it.
#[cfg(feature = "planted-bugs")]
pub fn planted(bug: Bug) -> bool {
    static CHOSEN: std::sync::OnceLock<Option<Bug>> = std::sync::OnceLock::new();
    let choose = || {
        let name = std::env::var("PARLOR_PLANTED_BUG").ok()?;
        Bug::ALL.iter().find(|(known, ..)| *known == name).map(|(_, bug, _)| *bug)
    };
    *CHOSEN.get_or_init(choose) == Some(bug)
}

/// Whether this was called more than 300 times before. Only planted bugs call it.
#[cfg(not(feature = "planted-bugs"))]
#[inline]
pub const fn every_nth_call() -> bool {
    false
}

/// Whether this was called more than 300 times before. Only planted bugs call it.
#[cfg(feature = "planted-bugs")]
pub fn every_nth_call() -> bool {
    static TIMES: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    TIMES.fetch_add(1, std::sync::atomic::Ordering::Relaxed) > 300
}
