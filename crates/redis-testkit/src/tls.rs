//! A certificate authority and a certificate for 127.0.0.1, for a Redis with TLS, created with the `openssl` command.
//! They must be used in tests only: the keys are readable in the directory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The whole configuration of `openssl`, so that the configuration of the machine has no influence.
const CONFIG: &str = "\
[req]
distinguished_name = name
prompt = no
[name]
CN = parlor redis test
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[leaf]
basicConstraints = critical, CA:FALSE
subjectAltName = IP:127.0.0.1, DNS:localhost
";

const MAKE_CA: &str = "req -x509 -newkey rsa:2048 -nodes -days 30 -extensions authority -keyout ca.key -out ca.pem";
const REQUEST: &str = "req -new -newkey rsa:2048 -nodes -keyout redis.key -out redis.csr";
const SIGN: &str = "x509 -req -in redis.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 \
    -extfile openssl.cnf -extensions leaf -out redis.pem";

/// Paths of the files that a Redis and its clients need.
#[derive(Debug, Clone)]
pub(crate) struct Certificates {
    pub(crate) ca: PathBuf,
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Certificates {
    /// Creates new files in `directory`.
    pub(crate) fn make(directory: &Path) -> Self {
        fs::write(directory.join("openssl.cnf"), CONFIG).unwrap();
        for arguments in [MAKE_CA, REQUEST, SIGN] {
            openssl(directory, arguments);
        }
        let path = |name| directory.join(name);
        Self { ca: path("ca.pem"), certificate: path("redis.pem"), key: path("redis.key") }
    }
}

fn openssl(directory: &Path, arguments: &str) {
    let mut command = Command::new("openssl");
    command.current_dir(directory).env("OPENSSL_CONF", "openssl.cnf").args(arguments.split_whitespace());
    let output = command.output().unwrap_or_else(|error| panic!("openssl does not start: {error}"));
    assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
}
