//! Logging in at a door without a session, as a web server does.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod common;

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::Duration;

use parlor_core::ports::{
    Attempt, AttemptOutcome, AttemptPermit, InvitationTerms, LoginDecision, LoginLimiter, RandomSource, Role,
    SecretHash, StoreError, StoreResult, Ticket,
};
use parlor_core::{ConnectionId, INVITATION_LIFETIME, IssuedTicket, Origin, Patience, Services, Visitor};
use parlor_proto::{
    Credentials, InvitationCode, Note, Password, Refusal, RefusalCode, Text, TicketCredentials, TicketId, TicketSecret,
    Timestamp, UserName,
};
use parlor_testkit::{World, login_line, password_of};

use common::changed;

/// Lets the time of a world pass.
struct Waiting(World);

impl Patience for Waiting {
    fn pause(&self, time: Duration) {
        self.0.advance(time.as_millis().div_ceil(1000).try_into().unwrap());
    }
}

/// A person at a door of the world.
struct Person {
    world: World,
    origin: Origin,
    patience: Waiting,
}

impl Person {
    fn new(world: &World) -> Self {
        let (address, network) = ("192.0.2.1".to_owned(), "192.0.2.1".to_owned());
        let origin = Origin { address, network, is_loopback: false };
        Self { world: world.clone(), origin, patience: Waiting(world.clone()) }
    }

    fn visitor(&self) -> Visitor<'_> {
        let deadline = self.world.services().clock.elapsed() + Duration::from_secs(10);
        Visitor { origin: &self.origin, connection: ConnectionId(7), deadline, patience: &self.patience }
    }

    fn log_in(&self, user: &str, password: &str) -> Result<IssuedTicket, Refusal> {
        self.world.services().log_in(&self.visitor(), &credentials(user, password), &Note::default())
    }

    fn verify(&self, ticket: &TicketCredentials) -> Result<UserName, Refusal> {
        self.world.services().verify_ticket(&self.visitor(), ticket)
    }
}

fn credentials(user: &str, password: &str) -> Credentials {
    Credentials { user: user.parse().unwrap(), password: Password::new(password).unwrap() }
}

fn shown(issued: IssuedTicket) -> TicketCredentials {
    TicketCredentials { user: issued.user, secret: issued.secret }
}

#[test]
fn a_right_password_gets_a_ticket_that_logs_in_until_it_is_revoked() {
    let world = World::new();
    world.account("ann");
    let person = Person::new(&world);
    let ticket = shown(person.log_in("ann", &password_of("ann")).unwrap());
    assert_eq!(person.verify(&ticket).unwrap().as_str(), "ann");
    let session = world.connect();
    session.send(&format!("RESUME ann {}", ticket.secret.expose()));
    assert_eq!(session.read(), ["OK login ann lobby"]);
    world.services().revoke_ticket(&person.visitor(), &ticket).unwrap();
    assert_eq!(session.read(), ["BYE logged-out The ticket of this session was revoked"]);
    assert_eq!(person.verify(&ticket), Err(Refusal::BadTicket));
    assert_eq!(world.services().revoke_ticket(&person.visitor(), &ticket), Err(Refusal::BadTicket));
}

#[test]
fn wrong_passwords_and_tickets_are_limited_as_at_a_connection() {
    let world = World::new();
    world.account("ann");
    let person = Person::new(&world);
    let wrong = TicketCredentials { user: "ann".parse().unwrap(), secret: TicketSecret::given("plt_00") };
    for _ in 0..4 {
        assert_eq!(person.log_in("ann", "wrong"), Err(Refusal::BadCredentials));
        assert_eq!(person.verify(&wrong), Err(Refusal::BadTicket));
    }
    assert_eq!(person.verify(&wrong), Err(Refusal::BadTicket));
    assert_eq!(person.verify(&wrong).unwrap_err().code(), RefusalCode::TooManyAttempts);
    let told = world.from_address("192.0.2.1").ask(&login_line("ann"));
    assert!(told[0].starts_with("ERR too-many-attempts "), "{told:?}");
}

#[test]
fn whoever_registers_gets_a_ticket_and_the_refusals_are_those_of_the_protocol() {
    let world = World::builder().min_password(8).build();
    let person = Person::new(&world);
    let register = |user: &str, password: &str| {
        world.services().register(&person.visitor(), &credentials(user, password), None, &Note::default())
    };
    assert_eq!(register("ann", "short").unwrap_err().code(), RefusalCode::PasswordTooShort);
    let ticket = shown(register("ann", "long enough").unwrap());
    assert_eq!(person.verify(&ticket).unwrap().as_str(), "ann");
    assert_eq!(register("ann", "long enough").unwrap_err().code(), RefusalCode::NameTaken);
    world.fail_store(true);
    assert_eq!(person.verify(&ticket), Err(Refusal::StoreUnavailable));
    assert_eq!(person.log_in("ann", "long enough"), Err(Refusal::StoreUnavailable));
}

#[test]
fn a_hash_that_is_renewed_meanwhile_costs_another_try_and_a_new_password_the_ticket() {
    let world = World::new();
    world.outdated_account("ann");
    let (person, other) = (Person::new(&world), Person::new(&world));
    world.after("find", move || drop(other.log_in("ann", &password_of("ann")).unwrap()));
    assert!(person.log_in("ann", &password_of("ann")).is_ok());
    let operator = world.clone();
    world.after("find", move || operator.set_password("ann", "another"));
    assert_eq!(person.log_in("ann", &password_of("ann")), Err(Refusal::BadCredentials));
}

#[test]
fn a_deleted_name_is_reserved_with_an_invitation_too_and_takes_no_use() {
    let world = World::builder().registration_closed().build();
    let (person, services) = (Person::new(&world), world.services());
    let (hash, by, role) = (SecretHash::of("pli_07"), "op".parse().unwrap(), Role::Operator);
    let terms = InvitationTerms { hash, by, role, rooms: Vec::new(), uses: 2 };
    assert!(services.store.invitations.add(&terms, INVITATION_LIFETIME, services.clock.now()).unwrap().is_some());
    let code = InvitationCode::given("pli_07");
    let register =
        |user: &str| services.register(&person.visitor(), &credentials(user, "secret"), Some(&code), &Note::default());
    assert_eq!(register("ann").unwrap().user.as_str(), "ann");
    world.delete_account("ann");
    assert_eq!(register("ann").unwrap_err(), Refusal::NameReserved);
    assert_eq!(register("bob").unwrap().user.as_str(), "bob");
    assert_eq!(register("cyd").unwrap_err(), Refusal::BadInvitation);
    assert_eq!(services.store.accounts.find(&"bob".parse().unwrap()).unwrap().unwrap().role, Role::Operator);
}

#[test]
fn a_suspended_user_gets_no_ticket_and_is_told_why() {
    let world = World::new();
    world.operator("op");
    world.account("ann");
    let (op, person) = (world.login("op"), Person::new(&world));
    let ticket = shown(person.log_in("ann", &password_of("ann")).unwrap());
    op.send("/suspend ann 2h spam");
    let refused = person.log_in("ann", &password_of("ann")).unwrap_err();
    assert_eq!(refused.code(), RefusalCode::Suspended);
    assert!(refused.to_string().ends_with(" until 2026-11-23T02:00:00.000Z: spam"), "{refused}");
    assert_eq!(person.verify(&ticket), Err(refused));
    assert_eq!(person.log_in("ann", "wrong"), Err(Refusal::BadCredentials));
    op.send("/unsuspend ann");
    assert_eq!(person.verify(&ticket), Err(Refusal::BadTicket));
    assert!(person.log_in("ann", &password_of("ann")).is_ok());
}

#[test]
fn whoever_shows_what_is_right_never_waits_however_often() {
    let world = World::new();
    world.operator("op");
    world.account("ann");
    let (op, person) = (world.login("op"), Person::new(&world));
    let before = world.elapsed_millis();
    for _ in 0..20 {
        let ticket = shown(person.log_in("ann", &password_of("ann")).unwrap());
        assert_eq!(person.verify(&ticket).unwrap().as_str(), "ann");
        world.services().revoke_ticket(&person.visitor(), &ticket).unwrap();
    }
    op.send("/suspend ann");
    for _ in 0..20 {
        assert_eq!(person.log_in("ann", &password_of("ann")).unwrap_err().code(), RefusalCode::Suspended);
    }
    assert_eq!(world.elapsed_millis(), before);
}

#[test]
fn a_ticket_tells_what_it_is_for_where_it_was_made_and_when_it_ends() {
    let world = World::builder().ticket_lifetime(60).build();
    world.account("ann");
    let person = Person::new(&world);
    let label = Text::sanitise("a browser").into();
    let credentials = credentials("ann", &password_of("ann"));
    let issued = world.services().log_in(&person.visitor(), &credentials, &label).unwrap();
    let ann = world.login("ann");
    let listed = ann.ask("/tickets");
    assert!(listed[0].ends_with(" 2026-11-23T00:00:00.000Z - 192.0.2.1 a browser"), "{listed:?}");
    assert_eq!(issued.expires, Some(world.created("ann").after(Duration::from_secs(60))));
    world.advance(7);
    person.verify(&shown(issued)).unwrap();
    let listed = ann.ask("/tickets");
    assert!(
        listed[0].ends_with(" 2026-11-23T00:00:00.000Z 2026-11-23T00:00:07.000Z 192.0.2.1 a browser"),
        "{listed:?}"
    );
}

#[test]
fn an_account_that_changes_all_the_time_gets_no_ticket() {
    let world = World::new();
    world.account("ann");
    let person = Person::new(&world);
    let kick_at_next_look = || {
        let operator = world.clone();
        world.after("find", move || operator.kick("ann"));
    };
    kick_at_next_look();
    assert!(person.log_in("ann", &password_of("ann")).is_ok(), "it is looked at again once");
    kick_at_next_look();
    kick_at_next_look();
    assert_eq!(person.log_in("ann", &password_of("ann")), Err(Refusal::StoreUnavailable));
    assert_eq!(world.reports(), ["store failed making a ticket: the account changes all the time"]);
}

#[test]
fn the_number_of_a_ticket_is_not_its_secret() {
    let world = World::new();
    world.account("ann");
    let (person, store) = (Person::new(&world), &world.services().store);
    // A ticket whose hash begins like that of the secret that is shown.
    let digits = format!("{:0<64}", &SecretHash::of("plt_07").expose()[..8]);
    let (hash, made, label) = (SecretHash::read(&digits).unwrap(), world.created("ann"), Note::default());
    let ticket = Ticket { hash, label, made, used: None, address: None, lifetime: None, is_revoked: false };
    let ann = "ann".parse().unwrap();
    assert!(store.tickets.add(&store.accounts.find(&ann).unwrap().unwrap(), &ticket).unwrap());
    let given = TicketCredentials { user: ann.clone(), secret: TicketSecret::given("plt_07") };
    let id = TicketId(SecretHash::of("plt_07").number());
    assert!(store.tickets.find(&ann, id).unwrap().is_some(), "it is found by its number");
    assert_eq!(person.verify(&given), Err(Refusal::BadTicket));
}

/// Waits without letting time pass, and does something at the first wait.
#[derive(Default)]
struct Queueing<'a> {
    waited: Cell<Duration>,
    at_first: RefCell<Option<Box<dyn FnOnce() + 'a>>>,
}

impl Patience for Queueing<'_> {
    fn pause(&self, time: Duration) {
        self.waited.set(self.waited.get() + time);
        if let Some(deed) = self.at_first.take() {
            deed();
        }
    }
}

/// Attempts at ann's account that have no result yet: as many as may run at once.
fn running(services: &Services) -> Vec<AttemptPermit> {
    let allowed = |_| match services.store.attempts.acquire(&attempt_at(&"ann".parse().unwrap())) {
        Ok(LoginDecision::Allowed(permit)) => permit,
        other => panic!("{other:?}"),
    };
    (0..6).map(allowed).collect()
}

fn attempt_at(user: &UserName) -> Attempt<'_> {
    let (at, now) = (Duration::ZERO, Timestamp::from_millis(0));
    Attempt { user, address: "198.51.100.1", is_address_limited: true, at, now }
}

#[test]
fn an_attempt_waits_for_those_that_run_until_one_has_its_result() {
    let world = World::new();
    world.account("ann");
    let (person, services) = (Person::new(&world), world.services());
    let permit = running(services).pop().unwrap();
    let user = "ann".parse().unwrap();
    let end = move || services.store.attempts.release(&attempt_at(&user), permit, AttemptOutcome::Unknown).unwrap();
    let patience = Queueing { at_first: RefCell::new(Some(Box::new(end))), ..Queueing::default() };
    let visitor = Visitor { patience: &patience, ..person.visitor() };
    assert!(services.log_in(&visitor, &credentials("ann", &password_of("ann")), &Note::default()).is_ok());
    assert_eq!(patience.waited.get(), Duration::from_millis(100));
}

#[test]
fn an_attempt_waits_for_others_as_long_as_a_login_may_take_and_not_beyond_its_own_time() {
    let world = World::builder().login_timeout(7).build();
    world.account("ann");
    let (person, services) = (Person::new(&world), world.services());
    running(services);
    let now = services.clock.elapsed();
    for (left, waits) in [(10_000, 7_000), (99, 0)] {
        let patience = Queueing::default();
        let deadline = now + Duration::from_millis(left);
        let visitor = Visitor { patience: &patience, deadline, ..person.visitor() };
        let told = services.log_in(&visitor, &credentials("ann", &password_of("ann")), &Note::default());
        assert_eq!((told, patience.waited.get()), (Err(Refusal::TooManyAttempts(1)), Duration::from_millis(waits)));
    }
}

/// A limiter that loses the results of attempts.
struct Forgetful(Arc<dyn LoginLimiter>);

impl LoginLimiter for Forgetful {
    fn acquire(&self, attempt: &Attempt<'_>) -> StoreResult<LoginDecision> {
        self.0.acquire(attempt)
    }

    fn release(&self, _attempt: &Attempt<'_>, _permit: AttemptPermit, _outcome: AttemptOutcome) -> StoreResult<()> {
        Err(StoreError::new("lost"))
    }

    fn note_known_address(&self, _attempt: &Attempt<'_>) -> StoreResult<()> {
        Err(StoreError::new("lost"))
    }
}

#[test]
fn a_result_that_is_lost_keeps_nobody_out_who_is_right_and_admits_nobody_who_is_wrong() {
    let world = World::new();
    world.operator("op");
    world.account("ann");
    let (op, person) = (world.login("op"), Person::new(&world));
    let ticket = shown(person.log_in("ann", &password_of("ann")).unwrap());
    let code = op.ask("/invitation").pop().unwrap();
    let code = InvitationCode::given(code.strip_prefix("OK invitation ").unwrap());
    let forgetful = Arc::new(Forgetful(world.services().store.attempts.clone()));
    let services = changed(&world, |services| services.store.attempts = forgetful);
    let (visitor, label) = (person.visitor(), Note::default());
    world.reports();
    assert!(services.log_in(&visitor, &credentials("ann", &password_of("ann")), &label).is_ok());
    assert_eq!(world.reports(), ["store failed forgetting failed logins: lost"]);
    let wrong = services.log_in(&visitor, &credentials("bob", "wrong"), &label);
    assert_eq!(wrong, Err(Refusal::StoreUnavailable));
    assert_eq!(world.reports(), ["store failed counting a failed login: lost"]);
    assert!(services.register(&visitor, &credentials("cyd", "secret"), Some(&code), &label).is_ok());
    let told = ["store failed forgetting failed logins: lost", "store failed remembering an address: lost"];
    assert_eq!(world.reports(), told);
    op.send("/suspend ann");
    world.reports();
    assert_eq!(services.verify_ticket(&visitor, &ticket).unwrap_err().code(), RefusalCode::Suspended);
    assert_eq!(world.reports(), ["store failed counting a login: lost"]);
}

#[test]
fn a_visitor_is_told_whether_the_store_is_full_or_away() {
    /// Gives no random numbers, as a store that fails.
    struct Failing(StoreError);

    impl RandomSource for Failing {
        fn fill(&self, _bytes: &mut [u8]) -> StoreResult<()> {
            Err(self.0.clone())
        }
    }

    let world = World::new();
    world.account("ann");
    let person = Person::new(&world);
    for (error, refusal) in
        [(StoreError::full("no room"), Refusal::StoreFull), (StoreError::new("no answer"), Refusal::StoreUnavailable)]
    {
        let services = changed(&world, |services| services.random = Arc::new(Failing(error.clone())));
        let told = services.log_in(&person.visitor(), &credentials("ann", &password_of("ann")), &Note::default());
        assert_eq!(told, Err(refusal));
        assert_eq!(world.reports(), [format!("store failed making up a secret: {error}")]);
    }
}
