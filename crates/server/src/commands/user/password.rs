//! The password that an operator gives an account: typed, read from standard input, or made up. It must not print one.

use std::io::{self, BufRead, IsTerminal};

use anyhow::{Context, bail};
use clap::Args;
use parlor_core::ports::{PasswordHash, RandomSource};
use parlor_proto::Password;
use zeroize::Zeroizing;

use crate::random::SystemRandom;
use crate::settings;
use crate::workers::hashing;

/// Where the password comes from, and what is done with it.
#[derive(Debug, Args)]
pub(super) struct PasswordArgs {
    /// Read the password from the first line of standard input
    #[arg(long)]
    password_stdin: bool,

    /// Make up a password and print it
    #[arg(long, conflicts_with = "password_stdin")]
    random_password: bool,

    /// Cost of the password's hash, 4 to 31
    #[arg(long, env = "PARLOR_BCRYPT_COST", value_name = "COST", default_value_t = 12)]
    #[arg(value_parser = clap::value_parser!(u32).range(4..=31))]
    bcrypt_cost: u32,

    /// Shortest password that is taken, in characters
    #[arg(long, env = "PARLOR_MIN_PASSWORD", value_name = "COUNT", default_value_t = settings::DEFAULT_MIN_PASSWORD)]
    #[arg(value_parser = settings::min_password())]
    min_password: usize,
}

/// A password as accounts keep it.
pub(super) struct ChosenPassword {
    pub(super) hash: PasswordHash,
    /// What the user has to be told, if it was made up.
    made_up: Option<Zeroizing<String>>,
}

impl ChosenPassword {
    /// What was done, with the password if nobody else knows it.
    pub(super) fn report(&self, done: &str) -> Zeroizing<String> {
        Zeroizing::new(match &self.made_up {
            Some(password) => format!("{done}, password: {}", **password),
            None => done.to_owned(),
        })
    }
}

impl PasswordArgs {
    /// Gets the password, and hashes it. Blocks until it is typed.
    ///
    /// # Errors
    /// One line that names the problem.
    pub(super) fn choose(&self) -> anyhow::Result<ChosenPassword> {
        if self.random_password {
            // Made up, it is strong enough whatever the shortest length is.
            let password = generate_password()?;
            return Ok(ChosenPassword { hash: self.hash_of(&Password::new(&password)?)?, made_up: Some(password) });
        }
        let text = if self.password_stdin { first_line()? } else { ask_twice()? };
        let password = Password::new(&text)?;
        if password.characters() < self.min_password {
            bail!("the password is too short: {} characters at least (--min-password)", self.min_password);
        }
        Ok(ChosenPassword { hash: self.hash_of(&password)?, made_up: None })
    }

    /// Hashes a password.
    ///
    /// # Errors
    /// There are no random bytes for the salt.
    pub(super) fn hash_of(&self, password: &Password) -> anyhow::Result<PasswordHash> {
        Ok(hashing::hash_once(password, self.bcrypt_cost)?)
    }
}

/// Returns a password of 100 random bits: groups of five letters and digits, without characters that look alike.
pub(in crate::commands) fn generate_password() -> anyhow::Result<Zeroizing<String>> {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bytes = Zeroizing::new([0; 20]);
    SystemRandom.fill(bytes.as_mut_slice())?;
    let mut password = Zeroizing::new(String::with_capacity(23));
    for (position, byte) in bytes.iter().enumerate() {
        if position > 0 && position % 5 == 0 {
            password.push('-');
        }
        password.push(char::from(ALPHABET[usize::from(byte % 32)]));
    }
    Ok(password)
}

fn first_line() -> anyhow::Result<Zeroizing<String>> {
    let mut line = Zeroizing::new(String::new());
    io::stdin().lock().read_line(&mut line).context("cannot read the password from standard input")?;
    let end = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(end);
    Ok(line)
}

fn ask_twice() -> anyhow::Result<Zeroizing<String>> {
    if !io::stdin().is_terminal() {
        bail!("there is no terminal to ask for the password on; give it by --password-stdin");
    }
    let ask = |prompt| rpassword::prompt_password(prompt).map(Zeroizing::new).context("cannot ask for the password");
    let first = ask("Password: ")?;
    if *first != *ask("Once more: ")? {
        bail!("the two passwords differ");
    }
    Ok(first)
}
