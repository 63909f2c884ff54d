//! The locks of this crate: those of the standard library, or of the model checker when it explores their
//! interleavings (`--cfg shuttle`). It must not hold locks of its own.

#[cfg(not(shuttle))]
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};

#[cfg(shuttle)]
pub(crate) use shuttle::sync::{Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};

use std::sync::PoisonError;

/// Locks `mutex` even if a thread panicked while it held it: a panic ends one client, not all clients that share the
/// lock. Every critical section of this crate leaves its data valid at each step.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits for a signal, as [`lock`] locks.
pub(crate) fn wait<'a, T>(signal: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    signal.wait(guard).unwrap_or_else(PoisonError::into_inner)
}

/// Locks `map` for reading, as [`lock`] does.
pub(crate) fn read<T>(map: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    map.read().unwrap_or_else(PoisonError::into_inner)
}

/// Locks `map` for writing, as [`lock`] does.
pub(crate) fn write<T>(map: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    map.write().unwrap_or_else(PoisonError::into_inner)
}
