//! Makes invitations, with the ways in for whoever gets them. It must not print.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use parlor_core::new_invitation;
use parlor_core::ports::{Clock, Invitation, Invitations, MAX_INVITATIONS, Role};
use parlor_proto::{RoomName, UserName};

use super::door::{DoorArgs, Ways};
use crate::clock::SystemClock;
use crate::commands::place::PlaceArgs;
use crate::random::SystemRandom;

/// The invitations of a place, and how its server is reached.
pub(in crate::commands) struct InvitationMaker<'a> {
    invitations: Arc<dyn Invitations>,
    place: &'a PlaceArgs,
    door: &'a DoorArgs,
}

/// An invitation that is kept.
pub(in crate::commands) struct MadeInvitation {
    pub(in crate::commands) invitation: Invitation,
    /// They have the code, which is nowhere else.
    pub(in crate::commands) ways: Ways,
}

impl<'a> InvitationMaker<'a> {
    /// Opens the place. `name` is that of the command.
    ///
    /// # Errors
    /// There is no installation, or it cannot be opened.
    pub(in crate::commands) fn open(place: &'a PlaceArgs, door: &'a DoorArgs, name: &str) -> anyhow::Result<Self> {
        Ok(Self { invitations: place.invitations(name)?, place, door })
    }

    /// Makes an invitation and keeps it. The audit trail gets a line.
    ///
    /// # Errors
    /// The address of the server cannot be made out, or there are too many invitations. Then nothing is kept.
    pub(in crate::commands) fn make(
        &self,
        role: Role,
        rooms: &[RoomName],
        uses: u32,
        lifetime: Duration,
    ) -> anyhow::Result<MadeInvitation> {
        let (code, terms) = new_invitation(&SystemRandom, UserName::operator(), role, rooms.to_vec(), uses)?;
        // Before anything is kept: without an address the code would be of no use.
        let ways = self.door.ways(self.place.data(), &code)?;
        let kept = self.invitations.add(&terms, lifetime, SystemClock::start().now())?;
        let invitation = kept.with_context(|| {
            format!("there are {MAX_INVITATIONS} invitations; parlor invite --list shows which --revoke may make void")
        })?;
        self.place.record("invite", &terms.id().to_string());
        Ok(MadeInvitation { invitation, ways })
    }
}
