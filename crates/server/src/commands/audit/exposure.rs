//! Audits what strangers can reach: the server, networks that may claim client addresses, Redis. It must not resolve
//! names.

use std::net::IpAddr;

use parlor_store::redis::RedisUrl;

use super::Finding;
use crate::settings::{Network, Registration, Settings};

/// Prefix length of a network with a few balancers only, for IPv4 and for IPv6.
const NARROW: (u8, u8) = (24, 120);
/// A shorter prefix is the network of a whole organisation, or of the world.
const WIDE: (u8, u8) = (16, 64);

pub(super) fn look(settings: &Settings, findings: &mut Vec<Finding>) {
    if settings.is_public() && settings.registration() == Registration::Open {
        let what = "strangers can reach the server and make accounts by themselves";
        let cure = "registration = \"closed\", and: parlor user add NAME";
        findings.push(Finding::serious("open-registration", what, cure));
    }
    for network in &settings.proxy_from {
        balancers(*network, findings);
    }
    if let Some(url) = &settings.redis.redis {
        redis(url, findings);
    }
}

/// A client that connects from `network` can claim any address.
fn balancers(network: Network, findings: &mut Vec<Finding>) {
    let bits = |(v4, v6): (u8, u8)| if network.is_ipv4() { v4 } else { v6 };
    let what = format!("everybody in {network} (proxy-from) can claim any address");
    let cure = "name the balancers one by one";
    if network.prefix() < bits(WIDE) {
        findings.push(Finding::serious("proxy-from", what, cure));
    } else if network.prefix() < bits(NARROW) {
        findings.push(Finding::warning("proxy-from", what, cure));
    }
}

/// A client that can write to Redis can speak as any user.
fn redis(url: &RedisUrl, findings: &mut Vec<Finding>) {
    let is_local = url.hosts().all(is_loopback);
    if !url.is_tls() && !is_local {
        let what = format!("what is said and the hashes of passwords go unencrypted to {url}");
        findings.push(Finding::serious("redis-tls", what, "let Redis speak TLS, and use rediss://"));
    }
    if !url.has_password() {
        let what = format!("whoever reaches {url} can speak as anybody, since it asks for no password");
        let cure = "give it a user as docs/redis.md says, and put PARLOR_REDIS with its password into the environment";
        findings.push(match is_local {
            true => Finding::warning("redis-password", what, cure),
            false => Finding::serious("redis-password", what, cure),
        });
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}
