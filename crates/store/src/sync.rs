//! The locks of this crate: those of the standard library, or of the model checker when it explores their interleavings
//! (`--cfg shuttle`). It must not hold locks of its own.

#[cfg(not(shuttle))]
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard};

#[cfg(shuttle)]
pub(crate) use shuttle::sync::{Condvar, Mutex, MutexGuard};

use std::sync::PoisonError;

/// Locks `mutex` even if a thread panicked while it held it: every critical section of this crate leaves its data valid
/// at each step, and a panic must end only one client.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
