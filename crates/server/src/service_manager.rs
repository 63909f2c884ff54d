//! Reports the server's state to the service manager that started it, such as systemd (sd_notify(3)). It must not need
//! a service manager.

use sd_notify::NotifyState;

/// Reports that the server accepts connections.
pub(crate) fn ready() {
    tell(&[NotifyState::Ready, NotifyState::Status("serving")]);
}

/// Reports that the server is not ready, since it waits for something.
pub(crate) fn waiting(what: &str) {
    tell(&[NotifyState::Status(&format!("waiting for {what}"))]);
}

/// Reports that the server says goodbye to all clients.
pub(crate) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Does nothing if no service manager asked for notifications.
fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!("cannot tell the service manager how far the server is: {error}");
    }
}
