//! How many invitations the embedded stores keep, and for how long. They judge by the time that they are told.

use parlor_core::ports::{INVITATION_KEPT_FOR, InvitationTerms, MAX_INVITATIONS, SecretHash};

use super::*;

fn terms(number: usize) -> InvitationTerms {
    let (hash, by) = (SecretHash::of(&number.to_string()), name("root"));
    InvitationTerms { hash, by, role: Role::Member, rooms: Vec::new(), uses: 1 }
}

#[test]
fn so_many_invitations_are_kept_until_the_oldest_are_forgotten() {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    let data = tempfile::tempdir().unwrap();
    let server = Server::open(data.path(), 10);
    let memory = parlor_store::memory::open(Arc::new(RecordingSink::default()), 10);
    for store in [server.sqlite.store(), &memory] {
        let invitations = &store.invitations;
        let at = Timestamp::from_millis;
        // The first one ends early. The later ones are made before it, by a clock that went back.
        assert!(invitations.add(&terms(0), Duration::from_millis(9), at(1000)).unwrap().is_some());
        for number in 1..MAX_INVITATIONS {
            let added = invitations.add(&terms(number), 100 * DAY, at(500)).unwrap();
            assert!(added.is_some(), "{number}");
        }
        let forgotten = at(1009).after(INVITATION_KEPT_FOR);
        let before = at(forgotten.as_millis() - 1);
        let listed = |now| invitations.invitations(now).unwrap();
        assert_eq!(invitations.add(&terms(MAX_INVITATIONS), DAY, before).unwrap(), None);
        assert_eq!(listed(before).len(), MAX_INVITATIONS);
        assert_eq!(listed(before).last().unwrap().terms, terms(0), "it was made last");
        assert!(listed(before).is_sorted_by_key(|it| (it.made, it.terms.id())));
        assert_eq!(listed(forgotten).len(), MAX_INVITATIONS - 1);
        assert!(invitations.add(&terms(MAX_INVITATIONS), DAY, forgotten).unwrap().is_some());
        assert_eq!(invitations.add(&terms(MAX_INVITATIONS + 1), DAY, forgotten).unwrap(), None);
    }
}

#[test]
fn whoever_used_a_forgotten_invitation_is_forgotten_with_it() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::open(data.path(), 10);
    let invitations = &server.sqlite.store().invitations;
    let count = |table: &str| -> u64 {
        let sql = format!("SELECT count(*) FROM {table}");
        raw(data.path()).query_row(&sql, [], |row| row.get(0)).unwrap()
    };
    let (at, second) = (Timestamp::from_millis, Duration::from_secs(1));
    invitations.add(&terms(1), second, at(0)).unwrap().unwrap();
    invitations.register(&account("bob"), &terms(1).hash, at(999)).unwrap();
    assert_eq!((count("invitation"), count("invitation_use")), (1, 1));
    // The next one is the occasion.
    invitations.add(&terms(2), second, at(1000).after(INVITATION_KEPT_FOR)).unwrap().unwrap();
    assert_eq!((count("invitation"), count("invitation_use")), (1, 0));
}
