//! Responses. It must not let anyone write a field: each value has a type that cannot end a line.

use std::fmt::{Display, Write};
use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;

use crate::cookie::{CookieValue, NAME};
use crate::etag::ETag;
use crate::handshake::{self, Accept};
use crate::head::{AcceptedEncodings, Method, Refusal, Request, Version};
use crate::status::Status;

/// Says that the body may come. To be written before the body is read if [`Request::expects_continue`].
pub const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// What a page of ours may load: only files of ours, and no text that becomes a script.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types parlor";

/// Fields of each response that tell a browser what others may not do with it.
const SECURITY_FIELDS: [(&str, &str); 6] = [
    ("Content-Security-Policy", CONTENT_SECURITY_POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    (
        "Permissions-Policy",
        "accelerometer=(), browsing-topics=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), hid=(), \
         magnetometer=(), microphone=(), midi=(), payment=(), serial=(), usb=()",
    ),
];

/// A year. Without subdomains, which may be others' servers.
const STRICT_TRANSPORT_SECURITY: &str = "max-age=31536000";

/// The type of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of the formats")]
pub enum ContentType {
    Html,
    Css,
    JavaScript,
    Json,
    WebManifest,
    Svg,
    Png,
    Woff2,
    Text,
    /// Metrics for scrapers that ask for OpenMetrics.
    OpenMetrics,
    /// Metrics for all other scrapers.
    Metrics,
    /// A certificate in PEM. Browsers and systems offer to trust it.
    CaCertificate,
}

impl ContentType {
    /// The type of a file by the end of its name. `None` if it is not known.
    pub fn of_file(name: &str) -> Option<Self> {
        Some(match name.rsplit_once('.')?.1 {
            "html" => Self::Html,
            "css" => Self::Css,
            "js" => Self::JavaScript,
            "json" => Self::Json,
            "webmanifest" => Self::WebManifest,
            "svg" => Self::Svg,
            "png" => Self::Png,
            "woff2" => Self::Woff2,
            "txt" => Self::Text,
            "pem" => Self::CaCertificate,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Html => "text/html; charset=utf-8",
            Self::Css => "text/css; charset=utf-8",
            Self::JavaScript => "text/javascript; charset=utf-8",
            Self::Json => "application/json",
            Self::WebManifest => "application/manifest+json",
            Self::Svg => "image/svg+xml",
            Self::Png => "image/png",
            Self::Woff2 => "font/woff2",
            Self::Text => "text/plain; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Metrics => "text/plain; version=0.0.4; charset=utf-8",
            Self::CaCertificate => "application/x-x509-ca-cert",
        }
    }
}

/// The coding of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// As it is.
    Identity,
    /// gzip.
    Gzip,
    /// Brotli.
    Brotli,
}

impl Encoding {
    /// The shortest that the client accepts.
    pub fn best(accepted: AcceptedEncodings) -> Self {
        match accepted {
            AcceptedEncodings { brotli: true, .. } => Self::Brotli,
            AcceptedEncodings { gzip: true, .. } => Self::Gzip,
            AcceptedEncodings { .. } => Self::Identity,
        }
    }
}

/// How long a response may be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cache {
    /// Not at all.
    NoStore,
    /// As long as the server says, when asked with the tag, that it is current.
    Revalidate,
    /// For ever: the name changes with the content.
    Immutable,
}

impl Cache {
    fn name(self) -> &'static str {
        match self {
            Self::NoStore => "no-store",
            Self::Revalidate => "no-cache",
            Self::Immutable => "public, max-age=31536000, immutable",
        }
    }
}

/// What happens to the connection after the response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Connection {
    KeepAlive(Version),
    Close,
}

/// A response without its body. It always has the fields that protect the page.
#[derive(Debug, Clone)]
pub struct Response {
    status: Status,
    connection: Connection,
    is_to_head: bool,
    cache: Cache,
    /// Complete lines.
    fields: String,
}

impl Response {
    /// A response after which the connection ends, for a request that was not understood.
    pub fn closing(status: Status) -> Self {
        Self { status, connection: Connection::Close, is_to_head: false, cache: Cache::NoStore, fields: String::new() }
    }

    /// The response to a head that is refused. The connection ends after it.
    pub fn refusing(refusal: Refusal) -> Self {
        Self::closing(refusal.status())
    }

    /// The response to `request`: without a body if it is a `HEAD`; the connection goes on if the client wants that.
    pub fn to(request: &Request, status: Status) -> Self {
        let connection = if request.keep_alive { Connection::KeepAlive(request.version) } else { Connection::Close };
        Self { connection, is_to_head: request.method == Method::Head, ..Self::closing(status) }
    }

    /// Ends the connection after this response, for example since the body of the request is not read.
    #[must_use]
    pub fn and_close(mut self) -> Self {
        self.connection = Connection::Close;
        self
    }

    /// Whether the connection ends after this response.
    pub fn closes(&self) -> bool {
        self.connection == Connection::Close
    }

    /// Whether the body is sent after the head.
    pub fn sends_body(&self) -> bool {
        self.status.has_body() && !self.is_to_head
    }

    /// Tells browsers to use nothing but HTTPS for this host, and to let nobody ignore a bad certificate. Only for a
    /// certificate that browsers trust: otherwise people are locked out.
    #[must_use]
    pub fn strict_transport_security(self) -> Self {
        self.field("Strict-Transport-Security", STRICT_TRANSPORT_SECURITY)
    }

    /// Adds the time at which the response is made.
    #[must_use]
    pub fn date(self, now: Timestamp) -> Self {
        match DateTimePrinter::new().timestamp_to_rfc9110_string(&now) {
            Ok(date) => self.field("Date", date),
            // A clock before the year 0: HTTP wants no date from a server without a clock.
            Err(_) => self,
        }
    }

    /// Adds the type of the body.
    #[must_use]
    pub fn content_type(self, content_type: ContentType) -> Self {
        self.field("Content-Type", content_type.name())
    }

    /// Adds the coding of the body, and that it was chosen by what the client accepts.
    #[must_use]
    pub fn encoding(self, encoding: Encoding) -> Self {
        let this = self.field("Vary", "Accept-Encoding");
        match encoding {
            Encoding::Identity => this,
            Encoding::Gzip => this.field("Content-Encoding", "gzip"),
            Encoding::Brotli => this.field("Content-Encoding", "br"),
        }
    }

    /// Adds the tag of this version of the resource.
    #[must_use]
    pub fn etag(self, tag: &ETag) -> Self {
        self.field("ETag", tag)
    }

    /// Lets the response be kept. Without this it is not.
    #[must_use]
    pub fn cache(mut self, cache: Cache) -> Self {
        self.cache = cache;
        self
    }

    /// Adds the methods of a path, for a 405.
    #[must_use]
    pub fn allow(self, methods: &[Method]) -> Self {
        let names: Vec<_> = methods.iter().filter_map(|method| method.name()).collect();
        self.field("Allow", names.join(", "))
    }

    /// Adds when to try again, in whole seconds, rounded up.
    #[must_use]
    pub fn retry_after(self, wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        self.field("Retry-After", seconds)
    }

    /// Adds which version of WebSocket is spoken here, for a 426. The connection ends after it.
    #[must_use]
    pub fn websocket_version(self) -> Self {
        // `Upgrade` is only valid with its name in `Connection`, a list that may be in two parts.
        self.field("Connection", "Upgrade")
            .field("Upgrade", "websocket")
            .field("Sec-WebSocket-Version", handshake::VERSION)
            .and_close()
    }

    /// Sets the cookie of a session. The page's scripts cannot read it. The browser forgets it after `lifetime`.
    #[must_use]
    pub fn set_cookie(self, value: &CookieValue, lifetime: Duration) -> Self {
        self.cookie(value.as_str(), lifetime)
    }

    /// Makes the browser forget the cookie.
    #[must_use]
    pub fn clear_cookie(self) -> Self {
        self.cookie("", Duration::ZERO)
    }

    fn cookie(self, value: &str, lifetime: Duration) -> Self {
        let seconds = lifetime.as_secs();
        let attributes = "Secure; HttpOnly; SameSite=Strict; Path=/";
        self.field("Set-Cookie", format_args!("{NAME}={value}; {attributes}; Max-Age={seconds}"))
    }

    /// Values come only from types of this crate whose text has no control character.
    fn field(mut self, name: &'static str, value: impl Display) -> Self {
        push_field(&mut self.fields, name, value);
        self
    }

    /// The head for a body of `body_length` bytes. Whoever sends the body from elsewhere asks [`Self::sends_body`].
    pub fn head(&self, body_length: usize) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status.code(), self.status.reason());
        if self.status.has_body() {
            push_field(&mut head, "Content-Length", body_length);
        }
        match self.connection {
            Connection::Close => push_field(&mut head, "Connection", "close"),
            Connection::KeepAlive(Version::Http10) => push_field(&mut head, "Connection", "keep-alive"),
            Connection::KeepAlive(Version::Http11) => {}
        }
        push_field(&mut head, "Cache-Control", self.cache.name());
        head.push_str(&self.fields);
        for (name, value) in SECURITY_FIELDS {
            push_field(&mut head, name, value);
        }
        head.push_str("\r\n");
        head.into_bytes()
    }

    /// The head and `body`, or the head alone where a body is not sent.
    pub fn with_body(&self, body: &[u8]) -> Vec<u8> {
        let mut bytes = self.head(body.len());
        if self.sends_body() {
            bytes.extend_from_slice(body);
        }
        bytes
    }
}

fn push_field(head: &mut String, name: &str, value: impl Display) {
    // Writing to a string cannot fail.
    let _ = write!(head, "{name}: {value}\r\n");
}

/// The response to an accepted upgrade. After it the connection speaks WebSocket.
pub fn switching_to_websocket(accept: &Accept) -> Vec<u8> {
    let status = Status::SwitchingProtocols;
    let mut head = format!("HTTP/1.1 {} {}\r\n", status.code(), status.reason());
    push_field(&mut head, "Upgrade", "websocket");
    push_field(&mut head, "Connection", "Upgrade");
    push_field(&mut head, "Sec-WebSocket-Accept", accept);
    head.push_str("\r\n");
    head.into_bytes()
}

#[cfg(test)]
mod tests;
