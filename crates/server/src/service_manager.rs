//! Tells the service manager that started the server, such as systemd, how far it is (sd_notify(3)). It must not depend
//! on there being one.

use sd_notify::NotifyState;

/// The server accepts connections.
pub(crate) fn ready() {
    tell(&[NotifyState::Ready, NotifyState::Status("serving")]);
}

/// The server is not ready since it waits for something.
pub(crate) fn waiting(what: &str) {
    tell(&[NotifyState::Status(&format!("waiting for {what}"))]);
}

/// The server says goodbye to everybody.
pub(crate) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Does nothing where no service manager asked to be told.
fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!("cannot tell the service manager how far the server is: {error}");
    }
}
