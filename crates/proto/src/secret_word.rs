//! The forms of secrets that the server makes up, and of the numbers that name them. It must not make, hash or compare
//! secrets.

/// Declares a secret; with a prefix one that is made of random bytes: the prefix tells it from other text, and hexadecimal
/// digits follow.
macro_rules! secret_word {
    ($(#[$about:meta])* $name:ident, $prefix:expr) => {
        secret_word! { $(#[$about])* $name }

        impl $name {
            /// The secret that these random bytes are: its prefix and their hexadecimal digits.
            pub fn of_random(bytes: &[u8]) -> Self {
                const DIGITS: &[u8; 16] = b"0123456789abcdef";
                let mut text = ::zeroize::Zeroizing::new(String::with_capacity($prefix.len() + 2 * bytes.len()));
                text.push_str($prefix);
                for byte in bytes {
                    text.push(char::from(DIGITS[usize::from(byte >> 4)]));
                    text.push(char::from(DIGITS[usize::from(byte & 15)]));
                }
                Self(text)
            }
        }
    };
    ($(#[$about:meta])* $name:ident) => {
        $(#[$about])*
        /// Its memory is overwritten when it is dropped, and it cannot be printed.
        #[derive(Clone, PartialEq, Eq, ::serde::Serialize, ::serde::Deserialize)]
        #[serde(from = "String", into = "String")]
        pub struct $name(::zeroize::Zeroizing<String>);

        impl $name {
            /// Whatever somebody took for a secret. It need not be one.
            pub fn given(text: &str) -> Self {
                Self(::zeroize::Zeroizing::new(text.to_owned()))
            }

            /// The secret itself. Only for the hash function and the wire.
            pub fn expose(&self) -> &str {
                &self.0
            }
        }

        impl ::std::fmt::Debug for $name {
            fn fmt(&self, out: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                out.write_str(concat!(stringify!($name), "(…)"))
            }
        }

        impl From<String> for $name {
            fn from(mut text: String) -> Self {
                let secret = Self::given(&text);
                ::zeroize::Zeroize::zeroize(&mut text);
                secret
            }
        }

        impl From<$name> for String {
            fn from(secret: $name) -> String {
                secret.expose().to_owned()
            }
        }
    };
}

/// Declares the number that names a secret: eight hexadecimal digits. It is no secret.
macro_rules! short_id {
    ($(#[$about:meta])* $name:ident, $error:ident, $what:literal) => {
        $(#[$about])*
        /// Eight hexadecimal digits. It is no secret.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ::serde::Serialize, ::serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(pub u32);

        #[doc = concat!("The text is not the id of ", $what, ".")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $error;

        impl ::std::fmt::Display for $error {
            fn fmt(&self, out: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                out.write_str(concat!("the id of ", $what, " is made of eight hexadecimal digits"))
            }
        }

        impl ::std::error::Error for $error {}

        impl ::std::fmt::Display for $name {
            fn fmt(&self, out: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                write!(out, "{:08x}", self.0)
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, $error> {
                let is_id = text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
                let number = is_id.then(|| u32::from_str_radix(text, 16).ok()).flatten();
                number.map(Self).ok_or($error)
            }
        }

        impl TryFrom<String> for $name {
            type Error = $error;

            fn try_from(text: String) -> Result<Self, $error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.to_string()
            }
        }
    };
}

pub(crate) use {secret_word, short_id};

#[cfg(test)]
mod tests {
    use crate::hook::{HookId, HookSecret, HookUrl, OuthookSecret};
    use crate::invitation::{InvitationCode, InvitationId};
    use crate::ticket::{TicketId, TicketSecret};
    use proptest::prelude::*;

    /// Each secret that is made of these random bytes.
    fn secrets(bytes: &[u8]) -> [String; 4] {
        [
            TicketSecret::of_random(bytes).expose().to_owned(),
            InvitationCode::of_random(bytes).expose().to_owned(),
            HookSecret::of_random(bytes).expose().to_owned(),
            OuthookSecret::of_random(bytes).expose().to_owned(),
        ]
    }

    #[test]
    fn the_prefix_tells_what_a_secret_opens() {
        assert_eq!(secrets(&[0x0a, 0xf0]), ["plt_0af0", "pli_0af0", "plh_0af0", "plo_0af0"]);
        assert_eq!(secrets(&[]), ["plt_", "pli_", "plh_", "plo_"]);
    }

    #[test]
    fn no_secret_is_printed_for_debugging() {
        let printed = [
            format!("{:?}", TicketSecret::given("hunter2")),
            format!("{:?}", InvitationCode::given("hunter2")),
            format!("{:?}", HookSecret::given("hunter2")),
            format!("{:?}", OuthookSecret::given("hunter2")),
            format!("{:?}", HookUrl::given("hunter2")),
        ];
        let names = ["TicketSecret", "InvitationCode", "HookSecret", "OuthookSecret", "HookUrl"];
        assert_eq!(printed, names.map(|name| format!("{name}(…)")));
    }

    #[test]
    fn whatever_is_given_is_kept_as_it_is() {
        for given in ["", " plt_07 ", "PLT_07", "no secret", "\u{1b}é"] {
            assert_eq!(TicketSecret::given(given).expose(), given);
            let json = serde_json::to_string(&HookUrl::given(given)).unwrap();
            assert_eq!(serde_json::from_str::<HookUrl>(&json).unwrap().expose(), given);
        }
        assert_ne!(TicketSecret::given("plt_07"), TicketSecret::given("plt_07 "));
    }

    #[test]
    fn a_wrong_id_is_named_after_what_it_should_name() {
        let digits = "is made of eight hexadecimal digits";
        assert_eq!("7".parse::<TicketId>().unwrap_err().to_string(), format!("the id of a ticket {digits}"));
        assert_eq!("7".parse::<InvitationId>().unwrap_err().to_string(), format!("the id of an invitation {digits}"));
        assert_eq!("7".parse::<HookId>().unwrap_err().to_string(), format!("the id of a hook {digits}"));
        for json in ["7", "\"7\"", "\"000000ag\"", "\"+0000007\"", "null"] {
            assert!(serde_json::from_str::<HookId>(json).is_err(), "{json}");
        }
    }

    proptest! {
        #[test]
        fn the_digits_of_a_secret_are_its_bytes(bytes in prop::collection::vec(any::<u8>(), 0..24)) {
            for secret in secrets(&bytes) {
                let digits = &secret.as_bytes()[4..];
                prop_assert!(digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')), "{}", secret);
                let pairs = digits.chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
                let read: Vec<u8> = pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect();
                prop_assert_eq!(&read, &bytes);
            }
        }

        #[test]
        fn an_id_is_read_back_from_what_is_shown(number: u32) {
            let id = HookId(number);
            let shown = id.to_string();
            prop_assert_eq!(shown.len(), 8);
            prop_assert_eq!(shown.parse::<HookId>(), Ok(id));
            prop_assert_eq!(shown.to_ascii_uppercase().parse::<HookId>(), Ok(id));
            let json = serde_json::to_string(&id).unwrap();
            prop_assert_eq!(&json, &format!("\"{shown}\""));
            prop_assert_eq!(serde_json::from_str::<HookId>(&json).unwrap(), id);
        }
    }
}
