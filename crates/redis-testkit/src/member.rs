//! One Redis of a group, with the address by which all others know it. It must not know the kind of the group.

use crate::{FaultProxy, Port, RedisOptions, RedisServer};

/// How the servers of a group are reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Directly.
    Direct,
    /// Through a proxy for each server. The group announces the addresses of the proxies to clients.
    ByProxy,
}

#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) server: RedisServer,
    proxy: Option<FaultProxy>,
}

impl Member {
    /// Starts a server that announces its address with the setting `announce`.
    pub(crate) fn start(options: RedisOptions, reach: Reach, announce: &str) -> Self {
        if reach == Reach::Direct {
            return Self { server: options.start(), proxy: None };
        }
        let port = Port::free();
        let proxy = FaultProxy::start(port.number());
        let server = options.port(port).config(announce, &proxy.port().to_string()).start();
        Self { server, proxy: Some(proxy) }
    }

    /// The port that the others know.
    pub(crate) fn port(&self) -> u16 {
        self.proxy.as_ref().map_or(self.server.port(), FaultProxy::port)
    }

    /// The proxy. Panics if the server is reached directly.
    pub(crate) fn proxy(&self) -> &FaultProxy {
        self.proxy.as_ref().expect("started without proxies")
    }

    /// The URL that clients use.
    pub(crate) fn url(&self) -> String {
        self.proxy.as_ref().map_or_else(|| self.server.url(), |proxy| self.server.url_by(proxy))
    }
}

/// The member for `server`.
pub(crate) fn find<'a>(members: &'a [Member], server: &RedisServer) -> &'a Member {
    members.iter().find(|member| member.server.port() == server.port()).expect("a server of another group")
}
