//! The bodies of `/session`. It must not judge a password.

use parlor_proto::{Credentials, InvitationCode, Password, Refusal, UserName};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// What a body has to be, for whoever sends another.
const USAGE: &str = r#"POST /session {"user": "…", "password": "…", "register": true|false, "invite": "…"}"#;

/// A request for a ticket.
#[derive(Debug)]
pub(super) struct LoginForm {
    pub(super) credentials: Credentials,
    /// Whether to make the account first.
    pub(super) register: bool,
    /// The code of an invitation to make it by.
    pub(super) invite: Option<InvitationCode>,
}

#[derive(Deserialize)]
struct Form {
    user: String,
    password: Zeroizing<String>,
    #[serde(default)]
    register: bool,
    #[serde(default)]
    invite: Option<InvitationCode>,
}

impl LoginForm {
    /// Reads a body. Fields that are not known are ignored.
    ///
    /// # Errors
    /// The refusal that the same words would get in a line.
    pub(super) fn read(body: &[u8]) -> Result<Self, Refusal> {
        let usage = || Refusal::BadArgument(USAGE.to_owned());
        let Form { user, password, register, invite } = serde_json::from_slice(body).map_err(|_| usage())?;
        let user = user.parse().map_err(|_| Refusal::BadName)?;
        let password = Password::new(&password).map_err(|error| error.refusal(USAGE))?;
        Ok(Self { credentials: Credentials { user, password }, register, invite })
    }
}

#[derive(Serialize)]
struct User<'a> {
    user: &'a UserName,
}

#[derive(Serialize)]
struct Problem<'a> {
    code: &'a str,
    message: &'a str,
}

/// Says whose ticket it is.
pub(super) fn user(user: &UserName) -> Vec<u8> {
    encode(&User { user })
}

/// Says why there is no ticket.
pub(super) fn error(code: &str, message: &str) -> Vec<u8> {
    encode(&Problem { code, message })
}

fn encode(value: &impl Serialize) -> Vec<u8> {
    // Strings and nothing else: this cannot fail.
    let mut body = serde_json::to_vec(value).unwrap_or_default();
    body.push(b'\n');
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<LoginForm, Refusal> {
        LoginForm::read(body.as_bytes())
    }

    #[test]
    fn a_form_has_a_user_and_a_password() {
        let form = read(r#"{"user": "Ann", "password": "päss word", "theme": 1}"#).unwrap();
        assert_eq!((form.credentials.user.as_str(), form.register), ("ann", false));
        assert_eq!(form.credentials.password, Password::new("päss word").unwrap());
        assert!(read(r#"{"user": "ann", "password": "secret", "register": true}"#).unwrap().register);
        assert_eq!(form.invite, None);
        let invited = r#"{"user": "ann", "password": "secret", "register": true, "invite": "pli_07"}"#;
        assert_eq!(read(invited).unwrap().invite, Some(InvitationCode::given("pli_07")));
    }

    #[test]
    fn anything_else_is_refused_as_in_a_line() {
        let long = format!(r#"{{"user": "ann", "password": "{}"}}"#, "x".repeat(73));
        for (body, code) in [
            ("", "bad-argument"),
            ("[]", "bad-argument"),
            (r#"{"user": "ann"}"#, "bad-argument"),
            (r#"{"user": "ann", "password": 1}"#, "bad-argument"),
            (r#"{"user": "ann", "password": ""}"#, "bad-argument"),
            (r#"{"user": "ann", "password": "a\nb"}"#, "bad-argument"),
            (r#"{"user": "@ann", "password": "secret"}"#, "bad-name"),
            (long.as_str(), "password-too-long"),
        ] {
            assert_eq!(read(body).unwrap_err().code().as_str(), code, "{body}");
        }
    }
}
