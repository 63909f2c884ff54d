//! Errors between this client and a server, in words for users: one line each, with the remedy if there is one. It must
//! not print anything.

use std::io;
use std::path::PathBuf;

use jiff::Timestamp;
use parlor_proto::{Bye, RefusalCode};
use rustls::CertificateError;
use rustls::pki_types::UnixTime;

use crate::address::Address;
use crate::pin::Pin;

/// The authorities that a server is verified with are not available.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The file of `--ca`.
    #[error("cannot use the CA file {}: {reason}", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The system's own authorities.
    #[error("this system has no usable root certificates ({0}): give the server's authority with --ca FILE")]
    System(#[source] rustls::Error),
    /// TLS cannot be set up at all.
    #[error("cannot set up TLS: {0}")]
    Tls(#[source] rustls::Error),
}

/// A refused certificate.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{fault}; its pin is {presented}")]
pub struct Untrusted {
    /// The pin of the key that the server presented.
    pub presented: Pin,
    /// Why it was refused.
    pub fault: CertificateFault,
}

/// Why a certificate was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateFault {
    /// No trusted authority issued it.
    #[error("no trusted authority issued it")]
    UnknownIssuer,
    /// It is for other names.
    #[error("it is for {}", names(.0))]
    OtherName(Vec<String>),
    /// It has expired, or it is not valid yet; in words, with the dates if they are known.
    #[error("{0}")]
    OutOfDate(String),
    /// It is marked as an authority, so it may not be the certificate of a server.
    #[error("it is marked as an authority (CA:TRUE), not as a server")]
    Authority,
    /// Its key is not the one that was pinned.
    #[error("its key is another than the pinned one")]
    OtherPin,
    /// Another reason, in the words of the TLS library.
    #[error("{0}")]
    Other(String),
}

fn names(names: &[String]) -> String {
    if names.is_empty() { "no name at all".to_owned() } else { names.join(", ") }
}

impl From<rustls::Error> for CertificateFault {
    fn from(error: rustls::Error) -> Self {
        let rustls::Error::InvalidCertificate(fault) = error else { return Self::Other(error.to_string()) };
        match fault {
            // An authority of the same name but with another key shows as a bad signature.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Self::UnknownIssuer,
            CertificateError::NotValidForName => Self::OtherName(Vec::new()),
            CertificateError::NotValidForNameContext { presented, .. } => {
                Self::OtherName(presented.iter().map(|name| plain_name(name)).collect())
            }
            CertificateError::Expired => Self::OutOfDate("it has expired".to_owned()),
            CertificateError::NotValidYet => Self::OutOfDate("it is not valid yet".to_owned()),
            CertificateError::ExpiredContext { time, not_after } => Self::OutOfDate(format!(
                "it has expired at {}, and the clock of this machine says {}",
                moment(not_after),
                moment(time)
            )),
            CertificateError::NotValidYetContext { time, not_before } => Self::OutOfDate(format!(
                "it is not valid before {}, and the clock of this machine says {}",
                moment(not_before),
                moment(time)
            )),
            // The library has no variant for this one, only the error of its own verifier.
            CertificateError::Other(other) if format!("{other:?}").contains("CaUsedAsEndEntity") => Self::Authority,
            other => Self::Other(other.to_string()),
        }
    }
}

/// The time as RFC 3339.
fn moment(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    seconds.map_or_else(|| "a time out of range".to_owned(), |time| time.to_string())
}

/// The name in the debug notation of the TLS library, `DnsName("localhost")`.
fn plain_name(debug: &str) -> String {
    let inner = debug.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.unwrap_or(debug).trim_matches('"').to_owned()
}

/// There is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The host's name cannot be resolved.
    #[error("cannot find {host}: {error}")]
    Unresolved {
        /// The host.
        host: String,
        /// The error of the resolver.
        #[source]
        error: io::Error,
    },
    /// No server answers.
    #[error("{address} cannot be reached: {}", reach(error))]
    Unreachable {
        /// The server.
        address: Address,
        /// The error of the operating system.
        #[source]
        error: io::Error,
    },
    /// The server that answers does not speak TLS.
    #[error("{0} does not speak TLS; is this the port of a Parlor server?")]
    NotTls(Address),
    /// The server's certificate is refused.
    #[error("{}", advice(address, untrusted))]
    Untrusted {
        /// The server.
        address: Address,
        /// The presented pin, and why the certificate is refused.
        #[source]
        untrusted: Untrusted,
    },
    /// TLS fails for another reason.
    #[error("TLS with {address} failed: {}", reach(error))]
    Tls {
        /// The server.
        address: Address,
        /// The error of the TLS library.
        #[source]
        error: io::Error,
    },
    /// The server speaks TLS, but not this protocol.
    #[error("{address} does not speak {}: it greets with {line:?}", parlor_proto::PROTOCOL)]
    WrongProtocol {
        /// The server.
        address: Address,
        /// Its first line, shortened.
        line: String,
    },
    /// The server rejected the connection before its greeting.
    #[error("{address} turned the connection away: {line}")]
    TurnedAway {
        /// The server.
        address: Address,
        /// The line that it sent.
        line: String,
    },
    /// The connection was lost before the greeting.
    #[error("{address} sent no greeting: {lost}")]
    NoGreeting {
        /// The server.
        address: Address,
        /// How it was lost.
        #[source]
        lost: Lost,
    },
    /// None of several servers answers.
    #[error("no server answers: {}", list(.0))]
    NoneAnswers(Vec<Self>),
}

impl ConnectError {
    /// Whether this server may answer at another time, or another server may answer instead. If not, the user must
    /// check first: the server that answers is the wrong one, or it cannot prove its identity.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unresolved { .. }
            | Self::Unreachable { .. }
            | Self::TurnedAway { .. }
            | Self::NoGreeting { .. }
            | Self::Tls { .. }
            | Self::NoneAnswers(_) => true,
            Self::Untrusted { .. } | Self::NotTls(_) | Self::WrongProtocol { .. } => false,
        }
    }
}

fn list(errors: &[ConnectError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn reach(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "it refused the connection; does the server run?".to_owned(),
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => "it does not answer".to_owned(),
        _ => error.to_string(),
    }
}

fn advice(address: &Address, untrusted: &Untrusted) -> String {
    let Untrusted { presented, fault } = untrusted;
    let compare = format!("the server showed {presented}; compare it with `parlor cert show` there");
    match fault {
        CertificateFault::UnknownIssuer => format!(
            "the certificate of {address} is not trusted: give its authority with --ca FILE, or its key with --pin ({compare})"
        ),
        CertificateFault::OtherName(_) => format!(
            "the certificate of {address} is not for this name, {fault}: connect by one of its names, or give its key with --pin ({compare})"
        ),
        CertificateFault::OtherPin => {
            format!(
                "the key of {address} is not the one of --pin: somebody is in between, or the key was renewed ({compare})"
            )
        }
        CertificateFault::OutOfDate(_) => format!(
            "the certificate of {address} is refused, {fault}: renew it, set the clock, or give its key with --pin ({compare})"
        ),
        CertificateFault::Authority => format!(
            "the certificate of {address} is refused, {fault}: make it again with openssl's option -addext \
             basicConstraints=critical,CA:FALSE, or give its key with --pin ({compare})"
        ),
        CertificateFault::Other(_) => format!(
            "the certificate of {address} is refused, {fault}: renew it, or give its key with --pin ({compare})"
        ),
    }
}

/// A connection was lost.
#[derive(Debug, thiserror::Error)]
pub enum Lost {
    /// The server ended it.
    #[error("the server closed the connection")]
    Closed,
    /// The server has sent nothing for too long, not even an answer to a ping.
    #[error("the server does not answer any more")]
    Silent,
    /// The network or TLS failed.
    #[error("the connection failed: {0}")]
    Failed(#[from] io::Error),
}

/// There is no session.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// The server refuses.
    #[error("login refused: {message} ({code})")]
    Refused {
        /// Why, for programs.
        code: RefusalCode,
        /// Why, for users.
        message: String,
    },
    /// The server ended the connection.
    #[error("login refused: {message} ({code})")]
    Ended {
        /// Why, for programs.
        code: Bye,
        /// Why, for users.
        message: String,
    },
    /// The connection was lost.
    #[error(transparent)]
    Lost(#[from] Lost),
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustls::Error;

    use super::*;

    fn at(seconds: u64) -> UnixTime {
        UnixTime::since_unix_epoch(Duration::from_secs(seconds))
    }

    #[test]
    fn what_the_tls_library_finds_in_a_certificate_reads_as_a_reason() {
        let expected = "den".try_into().unwrap();
        let odd = CertificateError::NotValidForNameContext { expected, presented: vec!["odd".to_owned()] };
        let cases = [
            (CertificateError::UnknownIssuer, "no trusted authority issued it"),
            (CertificateError::BadSignature, "no trusted authority issued it"),
            (CertificateError::NotValidForName, "it is for no name at all"),
            (odd, "it is for odd"),
            (CertificateError::Expired, "it has expired"),
            (CertificateError::NotValidYet, "it is not valid yet"),
            (
                CertificateError::ExpiredContext { time: at(60), not_after: at(0) },
                "it has expired at 1970-01-01T00:00:00Z, and the clock of this machine says 1970-01-01T00:01:00Z",
            ),
            (
                CertificateError::NotValidYetContext { time: at(0), not_before: at(u64::MAX) },
                "it is not valid before a time out of range, and the clock of this machine says 1970-01-01T00:00:00Z",
            ),
        ];
        for (found, expected) in cases {
            assert_eq!(CertificateFault::from(Error::InvalidCertificate(found)).to_string(), expected);
        }
        let other = CertificateFault::from(Error::DecryptError);
        assert_eq!(other, CertificateFault::Other(Error::DecryptError.to_string()), "it is about no certificate");
    }

    #[test]
    fn each_refused_certificate_comes_with_its_remedy_and_the_pin_to_compare() {
        let presented: Pin = "sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=".parse().unwrap();
        let cases = [
            (
                CertificateFault::UnknownIssuer,
                "is not trusted: give its authority with --ca FILE, or its key with --pin (",
            ),
            (
                CertificateFault::OtherName(vec!["a.example".to_owned(), "b.example".to_owned()]),
                "is not for this name, it is for a.example, b.example: connect by one of its names, or give its key with --pin (",
            ),
            (CertificateFault::OtherPin, "is not the one of --pin: somebody is in between, or the key was renewed ("),
            (CertificateFault::OutOfDate("it is old".to_owned()), "is refused, it is old: renew it, set the clock, or"),
            (CertificateFault::Authority, "-addext basicConstraints=critical,CA:FALSE, or give its key with --pin ("),
            (
                CertificateFault::Other("it is odd".to_owned()),
                "is refused, it is odd: renew it, or give its key with --pin (",
            ),
        ];
        let compare = format!("(the server showed {presented}; compare it with `parlor cert show` there)");
        for (fault, remedy) in cases {
            let untrusted = Untrusted { presented, fault };
            let told = ConnectError::Untrusted { address: Address::default(), untrusted }.to_string();
            assert!(told.contains(" of 127.0.0.1:7878 ") && told.contains(remedy), "{told}");
            assert!(told.ends_with(&compare), "{told}");
        }
    }

    #[test]
    fn a_server_is_tried_again_unless_it_is_the_wrong_one() {
        let address = Address::default;
        let io = || io::Error::from(io::ErrorKind::ConnectionReset);
        let again = [
            ConnectError::Unresolved { host: "den".to_owned(), error: io() },
            ConnectError::Tls { address: address(), error: io() },
            ConnectError::TurnedAway { address: address(), line: "ERR limit-reached Full".to_owned() },
            ConnectError::NoGreeting { address: address(), lost: Lost::Silent },
            ConnectError::NoneAnswers(Vec::new()),
        ];
        assert!(again.iter().all(ConnectError::is_transient));
        let presented = "sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=".parse().unwrap();
        let untrusted = Untrusted { presented, fault: CertificateFault::OtherPin };
        assert!(!ConnectError::Untrusted { address: address(), untrusted }.is_transient());
    }

    #[test]
    fn where_there_are_no_better_words_the_system_explains_itself() {
        let error = || io::Error::other("the cable is cut");
        let host = "den.example".to_owned();
        let told = [
            ConnectError::Unresolved { host, error: error() }.to_string(),
            ConnectError::Unreachable { address: Address::default(), error: error() }.to_string(),
            LoginError::from(Lost::from(error())).to_string(),
        ];
        let expected = [
            "cannot find den.example: the cable is cut",
            "127.0.0.1:7878 cannot be reached: the cable is cut",
            "the connection failed: the cable is cut",
        ];
        assert_eq!(told, expected);
    }
}
