//! Rights in rooms on Redis. An act is judged here by the rights that were read, and carried out by a script if they are
//! still the same; otherwise it is judged again. So the rules are the same on every store. It must not have rules itself.

use std::collections::BTreeMap;

use parlor_core::Flush;
use parlor_core::planted::{Bug, planted};
use parlor_core::ports::{Act, ActReport, ActResult, Content, Deed, Governance, StoreError, StoreResult};
use parlor_core::rights::{Case, Denial, RoomRights};
use parlor_proto::{Access, Epoch, MessageId, Order, RoomName, Speakers, Timestamp, UserName};

use super::connection::command::{self, Argument, Command};
use super::connection::script;
use super::contention;
use super::membership::server::Server;
use super::rooms::{count_members, sorted};
use super::{keys, random};

/// The answers of the script that are no number of an entry.
const FENCED: i64 = -1;
pub(super) const CHANGED: i64 = -2;
const NO_SUCH_MESSAGE: i64 = -3;

/// The field of the memberships that says what is to be judged in a room.
const MODE: &str = "!";

/// What an act is judged by.
struct Ground {
    now: Timestamp,
    /// The number of the rights: it changes with each act.
    seq: u64,
    rights: RoomRights,
    exists: bool,
    members: Vec<UserName>,
    /// The author of the message whose text is to be removed.
    author: Option<UserName>,
}

/// What an act comes to.
struct Ruling {
    content: Option<Content>,
    rights: RoomRights,
}

impl Governance for Server {
    fn act(&self, act: Act) -> StoreResult<ActReport> {
        self.lease.check()?;
        let append_seq = if act.is_of_session() { self.next_seq() } else { random::number() >> 12 };
        let result = contention::until_unchanged("the rights in a room", || self.try_act(&act, append_seq))?;
        Ok(ActReport { result, flush: Flush::default() })
    }

    fn rights(&self, rooms: &[RoomName]) -> StoreResult<Vec<Option<RoomRights>>> {
        let ask = |room: &RoomName| Command::plain("HMGET", keys::meta(&keys::room_log(room)), &["rights", "top"]);
        let commands = rooms.iter().map(ask).chain(rooms.iter().map(count_members)).collect();
        let mut replies = self.router.call_all(commands).into_iter();
        let heads: Vec<_> = replies.by_ref().take(rooms.len()).collect();
        let read = |((room, head), count): ((&RoomName, StoreResult<_>), StoreResult<_>)| {
            let (rights, top): (Option<String>, Option<String>) = command::read(head)?;
            let members: u64 = command::read(count)?;
            let exists = room.is_lobby() || rights.is_some() || top.is_some() || members > 0;
            exists.then(|| decode(room, rights.as_deref().unwrap_or_default())).transpose()
        };
        rooms.iter().zip(heads).zip(replies).map(read).collect()
    }
}

impl Server {
    /// Judges an act and carries it out; nothing comes of it if others change the rights in between.
    fn try_act(&self, act: &Act, append_seq: u64) -> StoreResult<Option<ActResult>> {
        let ground = self.survey(act)?;
        let ruling = match ground.rule(act) {
            Ok(ruling) => ruling,
            Err(denial) => return Ok(Some(ActResult::Denied(denial))),
        };
        if matches!(act.deed, Deed::Admission { .. }) && ruling.content.is_none() {
            return Ok(Some(ActResult::Done(None)));
        }
        self.index_ahead(act)?;
        match self.call::<i64>(self.moderate(act, append_seq, &ground, &ruling))? {
            CHANGED => Ok(None),
            FENCED => Ok(Some(ActResult::Fenced)),
            NO_SUCH_MESSAGE => Ok(Some(ActResult::Denied(Denial::NoSuchMessage))),
            id => {
                self.index_outhooks(act)?;
                let id = u64::try_from(id).ok().filter(|id| *id > 0).map(MessageId);
                Ok(Some(ActResult::Done(id)))
            }
        }
    }

    /// Adds the room to an index before the act that it may do: a server that dies in between leaves nothing that is not indexed.
    fn index_ahead(&self, act: &Act) -> StoreResult<()> {
        match &act.deed {
            Deed::AddOuthook(_) => self.list_outhooks(&act.room),
            Deed::Order { order: Order::Retention(Some(_)), .. } => self.list_retention(&act.room),
            _ => Ok(()),
        }
    }

    /// Adjusts the index of outgoing hooks to an act that is done.
    fn index_outhooks(&self, act: &Act) -> StoreResult<()> {
        match &act.deed {
            Deed::AddOuthook(_) => self.list_outhooks(&act.room),
            Deed::RemoveHook(id) => self.unlist_outhook(&act.room, *id),
            _ => Ok(()),
        }
    }

    /// Reads what an act is judged by, in one step.
    fn survey(&self, act: &Act) -> StoreResult<Ground> {
        let log = keys::room_log(&act.room);
        let keys = [keys::log(&log), keys::meta(&log), keys::members(&act.room), keys::amended(&log)];
        let of = match &act.deed {
            Deed::Removal { of, .. } => of.0,
            _ => 0,
        };
        let args: [&dyn Argument; 2] = [&of, &self.history];
        let (now, seq, rights, exists, members, author): (i64, u64, String, u8, Vec<String>, String) =
            self.call(Command::script(script::look_at_rights(), &keys, &args))?;
        Ok(Ground {
            now: Timestamp::from_millis(now),
            seq,
            rights: decode(&act.room, &rights)?,
            exists: exists > 0 || act.room.is_lobby(),
            members: sorted(&members),
            author: author.parse().ok(),
        })
    }

    /// The command that carries out an act.
    fn moderate(&self, act: &Act, append_seq: u64, ground: &Ground, ruling: &Ruling) -> Command {
        let log = keys::room_log(&act.room);
        let channel = keys::log(&log);
        let known = self.cursors.known_position(&channel);
        let keys = [
            channel,
            keys::meta(&log),
            keys::memberships(&act.room),
            keys::members(&act.room),
            keys::amended(&log),
            keys::others(&log),
        ];
        let (fresh, kept, time) = (Epoch(random::number()).to_string(), self.kept(), ground.now.as_millis());
        // Whoever acts outside of a session is told from the sessions of this user, and has no seat.
        let outside = if act.is_of_session() { "" } else { "+" };
        let (author, actor) = (act.author().as_str(), format!("{outside}{}", act.actor.holder.user));
        let text = ruling.content.as_ref().map(|content| content.stored()).unwrap_or_default();
        let rights = if ruling.rights == ground.rights { String::new() } else { ruling.rights.stored() };
        let is_bare = u8::from(ruling.rights.is_bare());
        let removed = ruling.content.as_ref().and_then(Content::removes).map_or("", UserName::as_str);
        let of = match &act.deed {
            Deed::Removal { of, .. } => of.0,
            _ => 0,
        };
        let (set, deleted) = changes(&ground.rights, &ruling.rights);
        let (count, text, rights) = (set.len(), text.as_ref(), rights.as_str());
        let mut args: Vec<&dyn Argument> =
            vec![&kept, &fresh, &known, &author, &act.generation.0, &append_seq, &time, &text];
        args.extend([&actor as &dyn Argument, &ground.seq, &rights, &is_bare, &removed, &of, &count]);
        for (field, value) in &set {
            args.extend([field as &dyn Argument, value]);
        }
        args.extend(deleted.iter().map(|field| field as &dyn Argument));
        Command::script(script::moderate(), &keys, &args)
    }
}

impl Ground {
    fn rule(&self, act: &Act) -> Result<Ruling, Denial> {
        if !self.exists {
            return Err(Denial::NoSuchRoom);
        }
        let mut rights = self.rights.clone();
        let content = match &act.deed {
            Deed::Order { order, target } => {
                let case = Case { actor: &act.actor, target: target.as_ref(), members: &self.members, now: self.now };
                Some(rights.carry_out(&act.room, order, &case)?)
            }
            Deed::Removal { of, reason } => {
                let author = self.author.as_ref().ok_or(Denial::NoSuchMessage)?;
                rights.judge_removal(&act.actor, author)?;
                Some(Content::Removal { of: *of, reason: reason.clone() })
            }
            Deed::Succession(gone) => rights.succeed(gone),
            Deed::AddHook(hook) => rights.add_hook(hook, &act.actor).map(|()| None)?,
            Deed::AddOuthook(hook) => rights.add_outhook(hook, &act.actor).map(|()| None)?,
            Deed::RemoveHook(id) => rights.remove_hook(*id, &act.actor).map(|()| None)?,
            Deed::Report { hook, text, .. } => Some(rights.report(hook, text)?),
            Deed::Admission { user, by } => rights.admit(user, by, self.now)?,
        };
        Ok(Ruling { content, rights })
    }
}

/// Reads stored rights; nothing stored means the rights of a room that belongs to the operators.
pub(super) fn decode(room: &RoomName, stored: &str) -> StoreResult<RoomRights> {
    if stored.is_empty() {
        return Ok(RoomRights::default());
    }
    RoomRights::read(stored).ok_or_else(|| StoreError::new(format!("the rights in the room {room} cannot be read")))
}

/// Which fields of the memberships are set, and which are deleted, when the rights change.
pub(super) fn changes(before: &RoomRights, after: &RoomRights) -> (Vec<(String, String)>, Vec<String>) {
    let (before, after) = (judged(before), judged(after));
    let deleted = before.keys().filter(|field| !after.contains_key(*field)).cloned().collect();
    let set = after.into_iter().filter(|(field, value)| field == MODE || before.get(field) != Some(value));
    (set.collect(), deleted)
}

/// The fields by which scripts judge an append or an enter; `seat.lua` says what they mean.
fn judged(rights: &RoomRights) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::new();
    let letter = |is_set: bool, letter: &'static str| if is_set { letter } else { "" };
    let private = letter(rights.access == Access::Private && !planted(Bug::ShowPrivate), "p");
    fields.insert(MODE.to_owned(), format!("-{private}{}", letter(rights.post == Speakers::Moderators, "m")));
    for user in &rights.invited {
        fields.insert(format!("{user}+"), "i".to_owned());
    }
    for moderator in &rights.moderators {
        fields.insert(format!("{}+", moderator.user), "m".to_owned());
    }
    if let Some(owner) = &rights.owner {
        fields.insert(format!("{}+", owner.user), "w".to_owned());
    }
    let millis = |until: &Option<Timestamp>| until.map_or(0, Timestamp::as_millis);
    for (user, until) in rights.banned.iter().filter(|_| !planted(Bug::AdmitBanned)) {
        fields.insert(format!("{user}!"), format!("b{}", millis(until)));
    }
    for (user, until) in rights.muted.iter().filter(|_| !planted(Bug::HearMuted)) {
        fields.entry(format!("{user}!")).or_default().push_str(&format!("m{}", millis(until)));
    }
    fields
}

#[cfg(test)]
mod tests;
