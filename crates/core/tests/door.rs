//! Logging in at a door without a session, as a web server does.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::time::Duration;

use parlor_core::ports::{InvitationTerms, Role, SecretHash};
use parlor_core::{ConnectionId, INVITATION_LIFETIME, IssuedTicket, Origin, Patience, Visitor};
use parlor_proto::{
    Credentials, InvitationCode, Note, Password, Refusal, RefusalCode, TicketCredentials, TicketSecret, UserName,
};
use parlor_testkit::{World, login_line, password_of};

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
