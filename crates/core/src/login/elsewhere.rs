//! Passwords that are decided about elsewhere: an account is made at the first login. It must not compare a password.

use parlor_proto::{Credentials, Password, Refusal, UserName};
use zeroize::Zeroizing;

use super::Applicant;
use super::admission::open_rooms;
use super::attempts::{Passed, Verified, attempt};
use crate::connection::effects::{CommandError, During};
use crate::ports::{Account, Admitted, PasswordAuthority, PasswordHash, Role, StoreResult};

/// Random bytes of a password that nobody knows.
const UNKNOWN_BYTES: usize = 32;

/// Returns the account if the password is right. A wrong one counts as a failed login.
pub(super) fn authenticate(
    applicant: &Applicant<'_>,
    authority: &dyn PasswordAuthority,
    credentials: &Credentials,
) -> Result<Passed<Account>, CommandError> {
    let Credentials { user, password } = credentials;
    let admitted = attempt(applicant, user, None, |_| {
        let judged = authority.judge(user, password, &applicant.origin.address);
        Ok(judged.during("asking about a password")?.map_or(Verified::Wrong, Verified::Right))
    })?;
    let admitted = admitted.ok_or(Refusal::BadCredentials)?.settle(applicant, user);
    let accounts = &applicant.services.store.accounts;
    let account = match accounts.find(user).during("looking a user up")? {
        Some(account) => keep_role(applicant, account, admitted.operator),
        None => make(applicant, user, &admitted),
    };
    account.map(Passed::settled)
}

/// Gives an account the role that it has elsewhere, if anything is said about it.
fn keep_role(applicant: &Applicant<'_>, account: Account, operator: Option<bool>) -> Result<Account, CommandError> {
    let role = operator.map_or(account.role, role);
    if role != account.role {
        applicant.services.store.accounts.set_role(&account.user, role).during("changing a role")?;
    }
    Ok(Account { role, ..account })
}

fn make(applicant: &Applicant<'_>, user: &UserName, admitted: &Admitted) -> Result<Account, CommandError> {
    let services = applicant.services;
    if *user == UserName::erased() {
        return Err(Refusal::NameReserved.into());
    }
    let hash = unknown(applicant).during("hashing a password")?;
    let (role, created) = (role(admitted.operator.unwrap_or(false)), services.clock.now());
    let account = Account { user: user.clone(), hash, role, created, kicks: 0, suspension: None };
    if services.store.accounts.create(&account).during("making an account")? {
        open_rooms(applicant, user, &UserName::operator(), &admitted.rooms);
        return Ok(account);
    }
    // Another login of the same user was faster.
    let found = services.store.accounts.find(user).during("looking a user up")?;
    found.ok_or_else(|| Refusal::BadCredentials.into())
}

/// The hash of a password that nobody knows: without the authority the account has none.
fn unknown(applicant: &Applicant<'_>) -> StoreResult<PasswordHash> {
    let mut bytes = Zeroizing::new([0; UNKNOWN_BYTES]);
    applicant.services.random.fill(bytes.as_mut_slice())?;
    let digits: Zeroizing<String> = Zeroizing::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect());
    let password = Password::new(&digits).map_err(|error| crate::ports::StoreError::new(error.to_string()))?;
    applicant.services.passwords.hash(&password)
}

fn role(operator: bool) -> Role {
    if operator { Role::Operator } else { Role::Member }
}

#[cfg(test)]
mod tests {
    use parlor_testkit::World;

    #[test]
    fn an_account_is_made_at_the_first_login_with_its_rooms_and_its_role() {
        let world = World::builder().authority(&[("ann", "right", Some(true), &["red"])]).build();
        let ann = world.connect();
        assert_eq!(ann.ask("LOGIN ann wrong"), ["ERR bad-credentials Unknown user or wrong password"]);
        assert_eq!(ann.ask("LOGIN bob right"), ["ERR bad-credentials Unknown user or wrong password"]);
        assert_eq!(ann.ask("LOGIN ann right"), ["OK login ann lobby"]);
        assert_eq!(ann.ask("/sync"), ["OPEN lobby 1 0", "OPEN red 1 0", "OK sync 2 0"]);
        assert_eq!(ann.ask("/invitations"), ["OK invitations 0"]);
        ann.disconnect();
        world.demote("ann");
        let again = world.connect();
        assert_eq!(again.ask("LOGIN ann right"), ["OK login ann lobby"]);
        assert_eq!(again.ask("/invitations"), ["OK invitations 0"]);
    }

    #[test]
    fn passwords_of_before_do_not_count_and_none_is_made_or_changed_here() {
        let world = World::builder().authority(&[("ann", "right", None, &[])]).build();
        world.operator("ann");
        let ann = world.connect();
        assert!(ann.ask("LOGIN ann secret of ann")[0].starts_with("ERR bad-credentials "));
        assert!(ann.ask("REGISTER bob secret")[0].starts_with("ERR registration-closed "));
        assert_eq!(ann.ask("LOGIN ann right"), ["OK login ann lobby"]);
        // Nothing is said about the role.
        assert_eq!(ann.ask("/invitations"), ["OK invitations 0"]);
        let told = ann.ask("/passwd right another-password");
        assert_eq!(told, ["ERR bad-argument Passwords of this server are changed elsewhere; ask its operator"]);
    }

    #[test]
    fn nobody_has_the_name_of_users_who_were_erased() {
        let world = World::builder().authority(&[("erased", "right", None, &[])]).build();
        assert!(world.connect().ask("LOGIN erased right")[0].starts_with("ERR name-reserved "));
    }

    #[test]
    fn without_an_answer_nothing_is_counted() {
        let world = World::builder().authority(&[("ann", "right", None, &[])]).build();
        let ann = world.from_address("192.0.2.1");
        for _ in 0..30 {
            assert!(ann.ask("LOGIN ann silence")[0].starts_with("ERR store-unavailable "));
        }
        assert_eq!(ann.ask("LOGIN ann right"), ["OK login ann lobby"]);
    }

    #[test]
    fn of_two_first_logins_at_once_both_find_the_one_account() {
        let world = World::builder().authority(&[("ann", "right", Some(true), &["red"])]).build();
        let other = world.clone();
        // The account is looked for before the password is judged, and after it.
        world.after("find", || ());
        world.after("find", move || other.account("ann"));
        let ann = world.connect();
        assert_eq!(ann.ask("LOGIN ann right"), ["OK login ann lobby"]);
        // Whoever made the account opened the rooms.
        assert_eq!(ann.ask("/sync"), ["OPEN lobby 1 0", "OK sync 1 0"]);
    }

    #[test]
    fn a_role_that_changed_elsewhere_changes_here_at_the_next_login() {
        let world = World::builder().authority(&[("ann", "right", Some(false), &[])]).build();
        world.operator("ann");
        let ann = world.connect();
        assert_eq!(ann.ask("LOGIN ann right"), ["OK login ann lobby"]);
        assert_eq!(ann.ask("/invitations"), ["ERR forbidden Only operators may do that"]);
    }

    #[test]
    fn without_the_authority_nobody_has_the_password_of_its_accounts() {
        let world = World::builder().authority(&[("ann", "right", None, &[]), ("bob", "right", None, &[])]).build();
        for user in ["ann", "bob"] {
            assert_eq!(world.connect().ask(&format!("LOGIN {user} right")), [format!("OK login {user} lobby")]);
        }
        let hashes = ["ann", "bob"].map(|user| world.hash_of(user));
        assert_ne!(hashes[0], hashes[1]);
        assert!(hashes.iter().all(|hash| !hash.contains("right")), "{hashes:?}");
    }
}
