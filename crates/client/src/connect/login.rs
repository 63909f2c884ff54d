//! The user name and password for the login, from the command line, the environment, standard input or the terminal. It
//! must not keep a password in memory that is not overwritten, and never takes one as an argument.

use std::env::{self, VarError};
use std::io::{self, BufRead, IsTerminal, Write};

use parlor_proto::{Credentials, NameError, Password, PasswordError, UserName};
use zeroize::Zeroizing;

use crate::session::Entry;

/// The variable that may hold the password, for scripts.
const PASSWORD_VARIABLE: &str = "PARLOR_PASSWORD";

/// Something that the login needs is not available.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unavailable {
    #[error("no user: give --user NAME or set PARLOR_USER")]
    User,
    #[error("{0:?} is no user name: {NameError}")]
    UserName(String),
    #[error("no password: set {PASSWORD_VARIABLE}, or give --password-stdin ({0})")]
    Password(io::Error),
    #[error("the password cannot be used: {0}")]
    BadPassword(#[from] PasswordError),
    #[error("the two passwords differ")]
    Differ,
    #[error("{PASSWORD_VARIABLE} is not UTF-8")]
    NotUtf8,
}

/// Finds the user name and the password. Blocks while the user types.
pub(super) fn credentials(user: Option<&UserName>, from_stdin: bool, entry: Entry) -> Result<Credentials, Unavailable> {
    let user = match user {
        Some(user) => user.clone(),
        None => ask_user()?,
    };
    let password = match env::var(PASSWORD_VARIABLE) {
        _ if from_stdin => first_line(&mut io::stdin().lock())?,
        Ok(password) => Password::new(&Zeroizing::new(password))?,
        Err(VarError::NotUnicode(_)) => return Err(Unavailable::NotUtf8),
        Err(VarError::NotPresent) => ask_password(&user, entry)?,
    };
    Ok(Credentials { user, password })
}

/// Asks on the terminal. Suggests the name of the user who is logged in on this machine.
fn ask_user() -> Result<UserName, Unavailable> {
    if !io::stdin().is_terminal() {
        return Err(Unavailable::User);
    }
    let suggestion = env::var("USER").ok().and_then(|name| name.parse::<UserName>().ok());
    let shown = suggestion.as_ref().map(|name| format!(" [{name}]")).unwrap_or_default();
    let mut answer = String::new();
    let asked = write!(io::stderr(), "User{shown}: ").and_then(|()| io::stdin().lock().read_line(&mut answer));
    asked.map_err(|_| Unavailable::User)?;
    match (answer.trim(), suggestion) {
        ("", Some(suggestion)) => Ok(suggestion),
        ("", None) => Err(Unavailable::User),
        (name, _) => name.parse().map_err(|NameError| Unavailable::UserName(name.to_owned())),
    }
}

/// Asks on the terminal without echo. Asks twice for a new account, since a typing error would lock its owner out.
fn ask_password(user: &UserName, entry: Entry) -> Result<Password, Unavailable> {
    let ask = |prompt: String| rpassword::prompt_password(prompt).map(Zeroizing::new).map_err(Unavailable::Password);
    let typed = ask(format!("Password of {user}: "))?;
    if entry == Entry::Register && ask("The same again: ".to_owned())? != typed {
        return Err(Unavailable::Differ);
    }
    Ok(Password::new(&typed)?)
}

/// The first line of `input`, without its line ending. The rest stays in `input`.
fn first_line(input: &mut impl BufRead) -> Result<Password, Unavailable> {
    let mut line = Zeroizing::new(String::new());
    input.read_line(&mut line).map_err(Unavailable::Password)?;
    // Some programs begin a text with this mark; it is no part of the password.
    let line = line.strip_prefix('\u{feff}').unwrap_or(&line);
    let line = line.strip_suffix('\n').unwrap_or(line);
    Ok(Password::new(line.strip_suffix('\r').unwrap_or(line))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_the_password_and_the_rest_stays() {
        for (mark, ending) in [("", "\n"), ("", "\r\n"), ("\u{feff}", "\n")] {
            let text = format!("{mark} two words {ending}hello\n");
            let mut input = text.as_bytes();
            assert_eq!(first_line(&mut input).unwrap().expose(), " two words ");
            assert_eq!(input, b"hello\n");
        }
    }

    #[test]
    fn a_password_is_needed() {
        for text in ["", "\n", "\r\nhello"] {
            assert!(matches!(first_line(&mut text.as_bytes()), Err(Unavailable::BadPassword(PasswordError::Empty))));
        }
    }

    #[test]
    fn a_first_line_without_an_end_is_a_password_and_one_that_is_no_text_is_not() {
        assert_eq!(first_line(&mut &b"last"[..]).unwrap().expose(), "last");
        assert!(matches!(first_line(&mut &b"\xff\n"[..]), Err(Unavailable::Password(_))));
    }
}
