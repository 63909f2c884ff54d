//! The page of metrics: everything that is measured, in one place. It must not measure by itself, nor hold a lock while it
//! writes.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use parlor_core::Hub;
use parlor_proto::Framing;
use parlor_store::redis::LinkFacts;
use parlor_store::{BatchStatistics, Histogram};

use super::counters::{Counters, Labelled};
use super::exposition::{Exposition, Labels, Writer};
use super::process::{DiskFacts, ProcessFacts};
use crate::admission::Admission;
use crate::backend::StoreMonitor;
use crate::tls::Resolver;
use crate::workers::hashing::HashingPool;

/// What is measured.
pub(crate) struct Sources {
    pub(crate) hub: Arc<Hub>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) admission: Arc<Admission>,
    pub(crate) hashing: Arc<HashingPool>,
    pub(crate) resolver: Arc<Resolver>,
    pub(crate) store: StoreMonitor,
    pub(crate) started: Timestamp,
}

impl Sources {
    /// The page of this moment. Does not block, but on the file system.
    pub(crate) fn page(&self, format: Exposition) -> String {
        let mut page = Writer::new(format);
        self.connections(&mut page);
        self.messages(&mut page);
        self.store(&mut page);
        self.process(&mut page);
        page.finish()
    }

    fn connections(&self, page: &mut Writer) {
        let lines = self.hub.connections_by(Framing::Lines);
        let web = self.hub.connections_by(Framing::WebSocket);
        let doors = [(&[("door", "lines")][..], lines), (&[("door", "web")][..], web)];
        page.gauge(
            "parlor_connections",
            "Connections by what they speak; those that speak HTTP or shake hands count as lines.",
            &doors,
        );
        one(page, "parlor_sessions", "Sessions of users.", self.hub.sessions());
        page.counter("parlor_connections_refused", "Connections above a limit.", &[(&[], self.admission.refused())]);
        labelled(page, "parlor_tls_handshakes", "TLS handshakes by result.", "result", &self.counters.handshakes());
        labelled(page, "parlor_logins", "Logins by result.", "result", &self.counters.logins());
        let ended = self.counters.ended();
        labelled(
            page,
            "parlor_sessions_ended",
            "Ends of sessions by reason; logged-in-elsewhere is a takeover.",
            "reason",
            &ended,
        );
        one(page, "parlor_password_hashes_waiting", "Passwords that wait for a thread.", self.hashing.waiting());
        let left = self.resolver.not_after().as_second();
        one(page, "parlor_certificate_expiry_timestamp_seconds", "When the certificate ends, in Unix time.", left);
    }

    fn messages(&self, page: &mut Writer) {
        let accepted = self.counters.accepted_by_log();
        labelled(page, "parlor_messages_accepted", "Messages accepted, by the kind of their log.", "log", &accepted);
        let refused = self.counters.refused_by_code();
        labelled(page, "parlor_commands_refused", "Lines of clients that were refused, by code.", "code", &refused);
        let posts = self.counters.outhook_posts();
        labelled(page, "parlor_outhook_posts", "Posts of outgoing hooks by result.", "result", &posts);
        let help = "Entries of logs that were forgotten before an outgoing hook could post them.";
        page.counter("parlor_outhook_missed", help, &[(&[], self.counters.outhook_missed())]);
        let deliveries = self.hub.deliveries();
        let help = "Entries of logs put into send queues, once for each recipient.";
        page.counter("parlor_messages_delivered", help, &[(&[], deliveries.entries)]);
        page.counter("parlor_flush_passes", "Passes over recipients that waited.", &[(&[], deliveries.passes)]);
        one(page, "parlor_queued_bytes", "Bytes that wait in send queues.", self.hub.queued_bytes());
        one(page, "parlor_rooms", "Rooms that have members on this server.", self.hub.rooms());
        one(page, "parlor_logs_followed", "Logs that have recipients on this server.", self.hub.topics());
    }

    fn store(&self, page: &mut Writer) {
        page.counter("parlor_store_failures", "Failures of the store.", &[(&[], self.counters.store_failures())]);
        batches(page, &self.store.batches());
        match &self.store {
            StoreMonitor::Sqlite { database, .. } => disk(page, &DiskFacts::read(database)),
            StoreMonitor::Redis(redis) => link(page, &redis.link_facts()),
        }
    }

    fn process(&self, page: &mut Writer) {
        let facts = ProcessFacts::read();
        if let Some(threads) = facts.threads {
            one(page, "parlor_threads", "Threads of the process.", threads);
        }
        if let Some(bytes) = facts.resident_bytes {
            one(page, "process_resident_memory_bytes", "Resident memory.", bytes);
        }
        if let Some(files) = facts.open_files {
            one(page, "process_open_fds", "Open file descriptors.", files);
        }
        if let Some(cpu) = facts.cpu {
            page.counter("process_cpu_seconds", "CPU time.", &[(&[], cpu.as_secs_f64())]);
        }
        one(page, "process_start_time_seconds", "When the server started, in Unix time.", self.started.as_second());
        let version = [("version", env!("CARGO_PKG_VERSION")), ("store", self.store.name())];
        page.gauge("parlor_build_info", "Always 1; the labels say what runs.", &[(&version[..], 1)]);
    }
}

fn one(page: &mut Writer, name: &str, help: &str, value: impl std::fmt::Display) {
    page.gauge(name, help, &[(&[], value)]);
}

fn labelled(page: &mut Writer, name: &str, help: &str, label: &str, counters: &Labelled) {
    let labels: Vec<[(&str, &str); 1]> = counters.iter().map(|(value, _)| [(label, *value)]).collect();
    let samples: Vec<(Labels<'_>, u64)> =
        labels.iter().zip(counters).map(|(labels, (_, count))| (&labels[..], *count)).collect();
    page.counter(name, help, &samples);
}

fn batches(page: &mut Writer, BatchStatistics { sizes, micros }: &BatchStatistics) {
    let help = "Changes that were committed together, or sent to Redis together.";
    histogram(page, "parlor_store_batch_size", help, sizes, 1.0);
    histogram(
        page,
        "parlor_store_batch_duration_seconds",
        "Time of a commit, or of an exchange with Redis.",
        micros,
        1e6,
    );
}

fn histogram(page: &mut Writer, name: &str, help: &str, Histogram { classes, sum }: &Histogram, unit: f64) {
    let classes: Vec<_> =
        classes.iter().map(|(limit, count)| (limit.map(|limit| limit as f64 / unit), *count)).collect();
    page.histogram(name, help, &classes, *sum as f64 / unit);
}

fn disk(page: &mut Writer, facts: &DiskFacts) {
    if let Some(bytes) = facts.database_bytes {
        one(page, "parlor_database_size_bytes", "Size of the database with its write-ahead log.", bytes);
    }
    if let Some(bytes) = facts.free_bytes {
        one(page, "parlor_disk_free_bytes", "Free space where the database is.", bytes);
    }
}

fn link(page: &mut Writer, facts: &LinkFacts) {
    one(page, "parlor_redis_lease_held", "1 if this server has its lease, else 0.", u8::from(facts.has_lease));
    let age = facts.pulse_age.map_or(f64::INFINITY, |age| age.as_secs_f64());
    let age = if age.is_finite() { age.to_string() } else { "+Inf".to_owned() };
    one(page, "parlor_redis_heartbeat_age_seconds", "Time since this server heard itself through Redis.", age);
    one(page, "parlor_redis_lag_entries", "Entries not received yet, in the log with the most.", facts.lag);
    page.counter("parlor_redis_repaired_entries", "Entries that were missed and requested.", &[(&[], facts.repaired)]);
    let names: Vec<[(&str, &str); 1]> = facts.scripts.iter().map(|(name, ..)| [("script", *name)]).collect();
    let calls: Vec<(Labels<'_>, u64)> =
        names.iter().zip(&facts.scripts).map(|(name, (_, calls, _))| (&name[..], *calls)).collect();
    page.counter("parlor_redis_script_calls", "Calls of scripts in Redis.", &calls);
    let times: Vec<(Labels<'_>, f64)> =
        names.iter().zip(&facts.scripts).map(|(name, (.., took))| (&name[..], seconds(*took))).collect();
    page.counter("parlor_redis_script_duration_seconds", "Time until the answers of scripts came.", &times);
}

fn seconds(time: Duration) -> f64 {
    time.as_secs_f64()
}
