//! Makes invitations, and looks at codes. It must not make an account, nor keep a code.

use std::time::Duration;

use parlor_proto::{InvitationCode, Refusal, RoomName, UserName};
use zeroize::Zeroizing;

use super::Applicant;
use super::attempts::{Verified, attempt};
use crate::connection::effects::{CommandError, During};
use crate::ports::{Invitation, InvitationTerms, RandomSource, Role, SecretHash, StoreResult};

/// Random bytes of a code: 160 bits.
const CODE_BYTES: usize = 20;

/// Digits of a hash in the name under which wrong codes are counted.
const COUNTED_DIGITS: usize = 24;

/// How long an invitation is valid, unless its maker says otherwise.
pub const INVITATION_LIFETIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Makes up a code, and what is kept of its invitation. It is stored nowhere.
///
/// # Errors
/// The system gives no random numbers.
pub fn new_invitation(
    random: &dyn RandomSource,
    by: UserName,
    role: Role,
    mut rooms: Vec<RoomName>,
    uses: u32,
) -> StoreResult<(InvitationCode, InvitationTerms)> {
    let mut bytes = Zeroizing::new([0; CODE_BYTES]);
    random.fill(bytes.as_mut_slice())?;
    let code = InvitationCode::of_random(bytes.as_slice());
    let hash = SecretHash::of(code.expose());
    // Everybody is in the lobby anyway.
    rooms.retain(|room| !room.is_lobby());
    rooms.sort();
    rooms.dedup();
    Ok((code, InvitationTerms { hash, by, role, rooms, uses }))
}

/// Returns the invitation with this code, if it admits somebody now. A wrong code counts as a failed login, under a name that
/// is made of its hash: so it delays whoever comes from the same address, and no user.
pub(crate) fn inspect(applicant: &Applicant<'_>, code: &InvitationCode) -> Result<Invitation, CommandError> {
    let hash = SecretHash::of(code.expose());
    let digits = &hash.expose()[..COUNTED_DIGITS];
    let counted: UserName = format!("invite-{digits}").parse().map_err(|_| Refusal::BadInvitation)?;
    let services = applicant.services;
    let found = attempt(applicant, &counted, None, |_| {
        let found = services.store.invitations.find_valid(&hash, services.clock.now());
        Ok(found.during("looking an invitation up")?.map_or(Verified::Wrong, Verified::Shared))
    })?;
    found.map(|found| found.settle(applicant, &counted)).ok_or_else(|| Refusal::BadInvitation.into())
}
