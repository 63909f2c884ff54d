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
