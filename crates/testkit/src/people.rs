//! Sessions and users, as rooms judge them. They must not have rights that a test does not give them.

use parlor_core::ports::{Entrant, SessionKey};
use parlor_core::rights::{Holder, Person};
use parlor_proto::{Timestamp, UserName};

/// A session of somebody who is no operator, at the time when its account was created.
pub fn entrant(session_key: &SessionKey) -> Entrant {
    Entrant { session_key: session_key.clone(), account: created(), is_operator: false, now: created() }
}

/// A user who is no operator.
///
/// # Panics
/// It is no name.
pub fn person(user: &str) -> Person {
    let user: UserName = user.parse().expect("a valid name");
    Person { holder: Holder { user, account: created() }, is_operator: false }
}

fn created() -> Timestamp {
    Timestamp::from_millis(7)
}
