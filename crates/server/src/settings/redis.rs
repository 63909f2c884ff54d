//! Flags that name a Redis, for all commands that use one. It must not repeat a URL in an error, since the URL may
//! contain a password.

use std::ffi::OsStr;
use std::path::PathBuf;

use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use clap::{Arg, Args, Command};
use parlor_settings::path;
use parlor_store::redis::RedisUrl;

/// A Redis and how it proves itself.
#[derive(Debug, Clone, Args)]
pub(crate) struct RedisArgs {
    /// Redis that many servers share, in place of a database of their own: `redis://HOST:PORT`, `rediss://` with TLS,
    /// `redis+sentinel://` or `rediss+sentinel://`; a password in it can be read by others of this machine if it stands
    /// on the command line, not if it stands in the environment
    #[arg(long, env = "PARLOR_REDIS", value_name = "URL", hide_env_values = true, value_parser = UrlParser)]
    pub(crate) redis: Option<RedisUrl>,

    /// PEM file of the authority that issued Redis's certificate [default: the roots of the system]
    #[arg(long, env = "PARLOR_REDIS_CA", value_name = "FILE", value_parser = path::parser())]
    pub(crate) redis_ca: Option<PathBuf>,
}

/// Parses URLs. Its error does not repeat the value, unlike those of other parsers.
#[derive(Debug, Clone)]
struct UrlParser;

impl TypedValueParser for UrlParser {
    type Value = RedisUrl;

    fn parse_ref(&self, command: &Command, _: Option<&Arg>, value: &OsStr) -> Result<RedisUrl, clap::Error> {
        let url = value.to_str().ok_or_else(|| "it is not UTF-8".to_owned()).and_then(|text| {
            let url: Result<RedisUrl, _> = text.parse();
            url.map_err(|error| error.to_string())
        });
        url.map_err(|why| {
            let message = format!("invalid value for '--redis <URL>': {why}");
            command.clone().error(ErrorKind::ValueValidation, message)
        })
    }
}
