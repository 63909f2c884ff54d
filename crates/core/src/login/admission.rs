//! Opens rooms to a new account, which an invitation or an authority names, before its first session begins. It must not refuse anything: the account
//! is made.

use parlor_proto::{RoomName, UserName};

use super::Applicant;
use crate::connection::effects::{CommandError, During};
use crate::ports::{Act, ActReport, Deed, LogId};
use crate::rights::{Holder, Person};

/// Lets a new user into rooms, and remembers them, so that `/sync` opens them. What fails is reported to
/// operators; a moderator can make up for it.
pub(super) fn open_rooms(applicant: &Applicant<'_>, user: &UserName, by: &UserName, rooms: &[RoomName]) {
    for room in rooms.iter().filter(|room| !room.is_lobby()) {
        if let Err(CommandError::Failed { what, error }) = open_room(applicant, user, by, room) {
            applicant.note(what, Err(error));
        }
    }
}

fn open_room(applicant: &Applicant<'_>, user: &UserName, by: &UserName, room: &RoomName) -> Result<(), CommandError> {
    let services = applicant.services;
    let time = services.clock.now();
    let actor = Person { holder: Holder { user: UserName::operator(), account: time }, is_operator: true };
    let deed = Deed::Admission { user: user.clone(), by: by.clone() };
    let act = Act { room: room.clone(), actor, generation: Act::NO_SESSION, time, deed };
    // A room that denies it says so to the user, who finds it lost in `/sync`. One that does not exist is made by entering it.
    let ActReport { flush, .. } = services.store.governance.act(act).during("letting a new user into a room")?;
    flush.run();
    let heads = services.store.log.heads(&[LogId::Room(room.clone())]).during("reading the head of a log")?;
    let read = heads.first().map(|head| head.last).unwrap_or_default();
    let remembered = services.store.personal.remember(user, room, read, services.policy.max_open_rooms);
    remembered.during("remembering a room").map(drop)
}
