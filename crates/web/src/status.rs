//! The status codes that Parlor answers with. It must not know why.

/// A status code of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u16)]
#[expect(missing_docs, reason = "the names are those of the registry of HTTP")]
pub enum Status {
    SwitchingProtocols = 101,
    Ok = 200,
    NoContent = 204,
    NotModified = 304,
    BadRequest = 400,
    Unauthorized = 401,
    Forbidden = 403,
    NotFound = 404,
    MethodNotAllowed = 405,
    RequestTimeout = 408,
    Conflict = 409,
    LengthRequired = 411,
    ContentTooLarge = 413,
    UnsupportedMediaType = 415,
    ExpectationFailed = 417,
    MisdirectedRequest = 421,
    UpgradeRequired = 426,
    TooManyRequests = 429,
    RequestHeaderFieldsTooLarge = 431,
    InternalServerError = 500,
    NotImplemented = 501,
    ServiceUnavailable = 503,
    HttpVersionNotSupported = 505,
}

impl Status {
    /// The number.
    pub fn code(self) -> u16 {
        self as u16
    }

    /// The text after the number. Clients ignore it.
    pub fn reason(self) -> &'static str {
        match self {
            Self::SwitchingProtocols => "Switching Protocols",
            Self::Ok => "OK",
            Self::NoContent => "No Content",
            Self::NotModified => "Not Modified",
            Self::BadRequest => "Bad Request",
            Self::Unauthorized => "Unauthorized",
            Self::Forbidden => "Forbidden",
            Self::NotFound => "Not Found",
            Self::MethodNotAllowed => "Method Not Allowed",
            Self::RequestTimeout => "Request Timeout",
            Self::Conflict => "Conflict",
            Self::LengthRequired => "Length Required",
            Self::ContentTooLarge => "Content Too Large",
            Self::UnsupportedMediaType => "Unsupported Media Type",
            Self::ExpectationFailed => "Expectation Failed",
            Self::MisdirectedRequest => "Misdirected Request",
            Self::UpgradeRequired => "Upgrade Required",
            Self::TooManyRequests => "Too Many Requests",
            Self::RequestHeaderFieldsTooLarge => "Request Header Fields Too Large",
            Self::InternalServerError => "Internal Server Error",
            Self::NotImplemented => "Not Implemented",
            Self::ServiceUnavailable => "Service Unavailable",
            Self::HttpVersionNotSupported => "HTTP Version Not Supported",
        }
    }

    /// Whether a response with this status can have a body.
    pub fn has_body(self) -> bool {
        !matches!(self, Self::SwitchingProtocols | Self::NoContent | Self::NotModified)
    }
}

#[cfg(test)]
mod tests {
    use super::Status::{self, *};

    const ALL: [Status; 23] = [
        SwitchingProtocols,
        Ok,
        NoContent,
        NotModified,
        BadRequest,
        Unauthorized,
        Forbidden,
        NotFound,
        MethodNotAllowed,
        RequestTimeout,
        Conflict,
        LengthRequired,
        ContentTooLarge,
        UnsupportedMediaType,
        ExpectationFailed,
        MisdirectedRequest,
        UpgradeRequired,
        TooManyRequests,
        RequestHeaderFieldsTooLarge,
        InternalServerError,
        NotImplemented,
        ServiceUnavailable,
        HttpVersionNotSupported,
    ];

    #[test]
    fn each_reason_is_the_name_in_words() {
        for status in ALL {
            let (name, words) = (format!("{status:?}"), status.reason());
            assert!(words.replace(' ', "").eq_ignore_ascii_case(&name), "{words}");
            assert_eq!(words.split(' ').count(), name.matches(char::is_uppercase).count(), "{words}");
        }
    }

    #[test]
    fn only_where_http_forbids_a_body_there_is_none() {
        for status in ALL {
            let forbids = matches!(status.code(), 100..=199 | 204 | 304);
            assert_eq!(status.has_body(), !forbids, "{status:?}");
        }
    }
}
