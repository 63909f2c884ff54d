//! What programs say in rooms by hooks, without a session. It must not know how they say it.

use parlor_proto::{HookSecret, Refusal, RoomName, Text, UserName};

use crate::connection::effects::{CommandError, During};
use crate::ports::{Act, ActReport, ActResult, Deed, SecretHash};
use crate::rights::{Holder, Person};
use crate::services::Services;

/// Why a program may not say something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookError {
    /// There is no hook with this secret in this room.
    Unknown,
    /// The store cannot be reached, or is full.
    Failed(Refusal),
}

impl Services {
    /// Says something in a room in the name of a hook, one entry for each text. Blocks on the store.
    ///
    /// # Errors
    /// See [`HookError`]. If the store fails, the first ones may be said.
    pub fn report(&self, room: &RoomName, secret: &HookSecret, texts: &[Text]) -> Result<(), HookError> {
        let hash = SecretHash::of(secret.expose());
        let label = self.label(room, &hash)?;
        texts.iter().try_for_each(|text| self.report_one(room, &hash, &label, text))
    }

    fn label(&self, room: &RoomName, hash: &SecretHash) -> Result<UserName, HookError> {
        let rights = self.store.governance.rights(std::slice::from_ref(room)).during("looking a hook up");
        let rights = rights.map_err(|error| self.failed(error))?.into_iter().next().flatten();
        let hook = rights.as_ref().and_then(|rights| rights.hook(hash)).ok_or(HookError::Unknown)?;
        Ok(hook.label.clone())
    }

    fn report_one(&self, room: &RoomName, hash: &SecretHash, label: &UserName, text: &Text) -> Result<(), HookError> {
        let time = self.clock.now();
        let actor = Person { holder: Holder { user: label.clone(), account: time }, is_operator: false };
        let deed = Deed::Report { hook: hash.clone(), label: label.clone(), text: text.clone() };
        let act = Act { room: room.clone(), actor, generation: Act::NO_SESSION, time, deed };
        let said = self.store.governance.act(act).during("saying something by a hook");
        let ActReport { result, flush } = said.map_err(|error| self.failed(error))?;
        flush.run();
        match result {
            ActResult::Done(_) => Ok(()),
            // The hook was ended, or its room, since it was looked up.
            ActResult::Fenced | ActResult::Denied(_) => Err(HookError::Unknown),
        }
    }

    fn failed(&self, error: CommandError) -> HookError {
        HookError::Failed(self.refusal(error))
    }
}
