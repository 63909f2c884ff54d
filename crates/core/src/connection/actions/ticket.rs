//! `/ticket`: makes a ticket, with which a client of the user logs in without the password.

use parlor_proto::{Bye, Note, Reply};

use super::{ActionResult, SessionContext};
use crate::connection::effects::{CommandError, During, Effect};
use crate::login::issue;
use crate::ports::StoreError;

/// How often the account is looked up again if it changes at the same time.
const MAX_TRIES: usize = 3;

pub(super) fn run(context: &mut SessionContext<'_>, label: Note) -> ActionResult {
    for _ in 0..MAX_TRIES {
        let account = context.store().accounts.find(context.user).during("looking a user up")?;
        // An operator who set another password, or suspended the account, has ended this session: it makes no ticket.
        let Some(account) = account.filter(|account| account.version() == context.version) else {
            context.add(Effect::HangUp(Bye::Kicked));
            return Ok(());
        };
        if !context.may_act()? {
            return Ok(());
        }
        let address = &context.connection.origin.address;
        if let Some((secret, ticket)) = issue(context.connection.services, &account, label.clone(), address)? {
            let (id, expires) = (ticket.id(), ticket.expires());
            context.add(Effect::Reply(Reply::Ticket { ticket: secret, id, expires }.into()));
            return Ok(());
        }
    }
    Err(CommandError::Failed { what: "making a ticket", error: StoreError::new("the account changes all the time") })
}
