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
}
