//! Makes an account, where that is allowed or by an invitation. It must not begin a session.

use parlor_proto::{Credentials, Refusal, UserName};

use super::Applicant;
use super::admission::open_rooms;
use crate::connection::effects::{CommandError, During};
use crate::planted::{Bug, planted};
use crate::ports::{Account, Invitation, InvitedResult, Role};

/// Makes the account of an applicant, who may have an invitation.
pub(crate) fn register(
    applicant: &Applicant<'_>,
    credentials: &Credentials,
    invitation: Option<&Invitation>,
) -> Result<Account, CommandError> {
    let Applicant { services, .. } = applicant;
    let is_open = services.policy.registration_open || invitation.is_some();
    if !is_open || services.authority.is_some() {
        return Err(Refusal::RegistrationClosed.into());
    }
    let user = credentials.user.clone();
    if services.policy.reserved_names.contains(&user) || user == UserName::erased() {
        return Err(Refusal::NameReserved.into());
    }
    applicant.require_length(&credentials.password)?;
    // Checked before hashing, so that a taken name costs no hash; the result of `create` decides.
    if services.store.accounts.find(&user).during("looking a user up")?.is_some() {
        return Err(Refusal::NameTaken.into());
    }
    // Later readers would take what the first owner of the name said for that of the second.
    if services.store.accounts.was_deleted(&user).during("looking a deleted user up")? {
        return Err(Refusal::NameReserved.into());
    }
    let hash = services.passwords.hash(&credentials.password).during("hashing a password")?;
    let created = services.clock.now();
    let role = invitation.map_or(Role::Member, |invitation| invitation.terms.role);
    let account = Account { user, hash, role, created, kicks: 0, suspension: None };
    make(applicant, &account, invitation)?;
    let remembered = services.store.attempts.note_known_address(&applicant.attempt(&account.user));
    applicant.note("remembering an address", remembered);
    Ok(account)
}

/// Makes the account, by a use of the invitation if there is one, and opens the rooms of the invitation.
fn make(applicant: &Applicant<'_>, account: &Account, invitation: Option<&Invitation>) -> Result<(), CommandError> {
    let store = &applicant.services.store;
    let result = match invitation.filter(|_| !planted(Bug::EndlessInvitation)) {
        None if store.accounts.create(account).during("making an account")? => InvitedResult::Made,
        None => InvitedResult::NameTaken,
        Some(Invitation { terms, .. }) => {
            let made = store.invitations.register(account, &terms.hash, applicant.services.clock.now());
            made.during("making an account by an invitation")?
        }
    };
    match result {
        InvitedResult::NameTaken => Err(Refusal::NameTaken.into()),
        InvitedResult::Void => Err(Refusal::BadInvitation.into()),
        InvitedResult::Made => {
            if let Some(Invitation { terms, .. }) = invitation {
                open_rooms(applicant, &account.user, &terms.by, &terms.rooms);
            }
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use parlor_testkit::World;

    #[test]
    fn nobody_gets_the_name_of_somebody_else_whose_account_was_deleted() {
        let world = World::new();
        world.login("ann").send("mine");
        world.delete_account("ann");
        let reserved = "ERR name-reserved This name is reserved; take another, or ask the operator for an account";
        let stranger = world.connect();
        assert_eq!(stranger.ask("REGISTER ann other-secret"), [reserved]);
        assert_eq!(stranger.ask("LOGIN ann other-secret")[0], "ERR bad-credentials Unknown user or wrong password");
        // The operator knows who gets it.
        world.account("ann");
        world.login("ann");
    }

    #[test]
    fn of_two_who_take_a_name_at_once_the_first_has_it() {
        let world = World::new();
        let first = world.clone();
        world.after("find", move || first.account_with_password("ann", "of the first"));
        let second = world.connect();
        assert_eq!(second.ask("REGISTER ann of the second"), ["ERR name-taken There is such an account already"]);
        assert_eq!(second.ask("LOGIN ann of the first"), ["OK login ann lobby"]);
    }

    #[test]
    fn a_room_that_cannot_be_opened_keeps_nobody_from_their_account() {
        let world = World::builder().registration_closed().build();
        world.operator("op");
        let code = world.login("op").ask("/invitation red blue").pop().unwrap();
        let ann = world.connect();
        ann.ask(&format!("INVITE {}", code.strip_prefix("OK invitation ").unwrap()));
        world.reports();
        let full = world.clone();
        world.after("remember", move || full.fill_disk(true));
        assert_eq!(ann.ask("REGISTER ann secret"), ["OK register ann lobby"]);
        world.fill_disk(false);
        let told = "store failed letting a new user into a room: failing on purpose";
        assert_eq!(world.reports()[0], told);
        assert_eq!(ann.ask("/sync"), ["OPEN blue 1 0", "OPEN lobby 1 0", "OK sync 2 0"]);
    }
}
