//! Certificates of the operator: those that clients refuse are told at the start, and files that cannot be used are named
//! with what is wrong.

use std::path::{Path, PathBuf};
use std::process::Command;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use tempfile::TempDir;

use crate::harness::{Options, Server, command, ends, eventually, feed, outcome};

type Outcome = (Option<i32>, String, String);

/// Runs openssl in the directory.
fn openssl(dir: &Path, arguments: &str) {
    let output = Command::new("openssl").args(arguments.split(' ')).current_dir(dir).output().unwrap();
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The command that everybody finds for a certificate of one's own.
const ONE_LINE: &str = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=localhost \
                        -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout key.pem -out cert.pem";

/// Returns a directory with `cert.pem` and `key.pem`.
fn made_by_openssl(more: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    openssl(dir.path(), &format!("{ONE_LINE}{more}"));
    dir
}

fn flags(dir: &Path) -> [String; 4] {
    flags_of(&dir.join("cert.pem"), &dir.join("key.pem"))
}

fn flags_of(chain: &Path, key: &Path) -> [String; 4] {
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    ["--tls-cert".to_owned(), text(chain), "--tls-key".to_owned(), text(key)]
}

fn start(dir: &Path) -> Server {
    Options::default().args(&flags(dir).each_ref().map(String::as_str)).start()
}

/// Returns the log of the start, which ends with the line about the certificate.
fn log_of(server: &Server) -> String {
    eventually("the server has logged its start", || server.log().contains("serving with this certificate"));
    server.log()
}

/// Returns the outcome of `parlor connect` in a pipe, by the certificate itself as the authority.
fn connect(server: &Server, ca: &Path) -> Outcome {
    let address = format!("localhost:{}", server.address().port());
    let words = ["connect", &address, "--user", "ann", "--register", "--ca", ca.to_str().unwrap()];
    let mut command = command(server.data(), &words);
    command.env("PARLOR_PASSWORD", "secret");
    outcome(server.data(), feed(command, "/who\n"))
}

#[test]
fn a_certificate_of_an_authority_is_explained_on_both_sides() {
    let dir = made_by_openssl("");
    let server = start(dir.path());
    let log = log_of(&server);
    assert!(log.contains("WARN") && log.contains("cert.pem is marked as an authority (CA:TRUE)"), "{log}");
    assert!(log.contains("-addext basicConstraints=critical,CA:FALSE"), "{log}");
    let (code, _, complaint) = connect(&server, &dir.path().join("cert.pem"));
    assert_eq!(code, Some(1), "{complaint}");
    assert!(complaint.contains("is marked as an authority (CA:TRUE)"), "{complaint}");
    assert!(
        complaint.contains("-addext basicConstraints=critical,CA:FALSE") && complaint.contains("--pin"),
        "{complaint}"
    );
    assert!(!complaint.contains("CaUsedAsEndEntity"), "{complaint}");
}

#[test]
fn the_option_that_is_recommended_works() {
    let dir = made_by_openssl(" -addext basicConstraints=critical,CA:FALSE");
    let server = start(dir.path());
    assert!(!log_of(&server).contains("authority"), "{}", log_of(&server));
    let (code, said, complaint) = connect(&server, &dir.path().join("cert.pem"));
    assert_eq!((code, said.as_str()), (Some(0), "USER ann\nOK who lobby 1\n"), "{complaint}");
}

/// Writes a certificate of its own authority that is valid between these years.
fn valid_between(first: i32, last: i32) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    (params.not_before, params.not_after) = (date_time_ymd(first, 1, 1), date_time_ymd(last, 1, 1));
    let key = KeyPair::generate().unwrap();
    std::fs::write(dir.path().join("cert.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
    std::fs::write(dir.path().join("key.pem"), key.serialize_pem()).unwrap();
    dir
}

#[test]
fn a_certificate_that_is_not_valid_now_is_told_with_dates_and_the_clock() {
    let cases = [
        (valid_between(2000, 2020), "has expired at 2020-01-01T00:00:00Z"),
        (valid_between(2400, 2500), "is not valid before 2400-01-01T00:00:00Z"),
    ];
    for (dir, dated) in cases {
        let server = start(dir.path());
        let log = log_of(&server);
        assert!(log.contains("ERROR") && log.contains(&format!("cert.pem {dated}")), "{log}");
        assert!(log.contains("the clock of this machine says 20") && log.contains("set the clock"), "{log}");
        let (code, _, complaint) = connect(&server, &dir.path().join("cert.pem"));
        assert_eq!(code, Some(1));
        assert!(complaint.contains(dated) && complaint.contains("the clock of this machine says 20"), "{complaint}");
        assert!(complaint.contains("set the clock"), "{complaint}");
        let flags = flags(dir.path());
        let audit = [&["audit"], &flags.each_ref().map(String::as_str)[..]].concat();
        let (code, found, _) = outcome(server.data(), command(server.data(), &audit).output().unwrap());
        assert!(code == Some(1) && found.contains(dated), "{found}");
    }
}

/// Runs a server that must end with one line about its certificate.
fn complaint(chain: &Path, key: &Path) -> String {
    let data = tempfile::tempdir().unwrap();
    let flags = flags_of(chain, key);
    let words =
        [&["serve", "--log", "off", "--listen", "127.0.0.1:0"], &flags.each_ref().map(String::as_str)[..]].concat();
    let (code, said, complaint) = ends(data.path(), command(data.path(), &words));
    assert_eq!((code, said.as_str()), (Some(1), ""), "{complaint}");
    assert!(complaint.starts_with("parlor: ") && complaint.lines().count() == 1, "{complaint}");
    complaint
}

#[test]
fn files_that_cannot_be_used_are_named_with_what_they_are() {
    let dir = made_by_openssl("");
    let at = |name: &str| dir.path().join(name);
    openssl(dir.path(), "pkey -in key.pem -aes128 -passout pass:secret -out encrypted.pem");
    openssl(dir.path(), "ec -in key.pem -aes128 -passout pass:secret -out encrypted-ec.pem");
    openssl(dir.path(), "x509 -in cert.pem -outform DER -out cert.der");
    openssl(dir.path(), "pkey -in key.pem -outform DER -out key.der");
    openssl(dir.path(), "genpkey -algorithm ed25519 -out other.pem");
    openssl(dir.path(), "genpkey -algorithm x25519 -out exchange.pem");
    let cases = [
        ("cert.pem", "encrypted.pem", "encrypted.pem is encrypted", "openssl pkey -in "),
        ("cert.pem", "encrypted-ec.pem", "encrypted-ec.pem is encrypted", "openssl pkey -in "),
        ("cert.der", "key.pem", "cert.der is in DER, not in PEM", "openssl x509 -inform DER -in "),
        ("cert.pem", "key.der", "key.der is in DER, not in PEM", "openssl pkey -inform DER -in "),
        ("cert.pem", "other.pem", "other.pem is not the key of the certificate ", "cert.pem"),
        ("cert.pem", "exchange.pem", "exchange.pem is of a kind that TLS does not use", ""),
        ("key.pem", "cert.pem", "key.pem holds no certificate in PEM, but a private key", ""),
        ("cert.pem", "cert.pem", "cert.pem holds no private key in PEM, but a certificate", ""),
    ];
    for (chain, key, what, cure) in cases {
        let complaint = complaint(&at(chain), &at(key));
        assert!(complaint.contains(what) && complaint.contains(cure), "{chain} {key}: {complaint}");
    }
}

/// Writes a chain of three certificates in this order of their names: server, middle, root.
fn chain(dir: &Path, order: [usize; 3]) -> PathBuf {
    let keys: Vec<_> = (0..3).map(|_| KeyPair::generate().unwrap()).collect();
    let params = |name: &str, is_ca: bool| {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        if is_ca {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }
        params
    };
    let root = params("root", true);
    let root_pem = root.self_signed(&keys[2]).unwrap().pem();
    let by_root = Issuer::new(root, &keys[2]);
    let middle = params("middle", true);
    let middle_pem = middle.signed_by(&keys[1], &by_root).unwrap().pem();
    let by_middle = Issuer::new(middle, &keys[1]);
    let server_pem = params("server", false).signed_by(&keys[0], &by_middle).unwrap().pem();
    let all = [server_pem, middle_pem, root_pem];
    std::fs::write(dir.join("key.pem"), keys[0].serialize_pem()).unwrap();
    std::fs::write(dir.join("cert.pem"), order.map(|place| all[place].as_str()).concat()).unwrap();
    dir.join("cert.pem")
}

#[test]
fn a_chain_in_the_wrong_order_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("key.pem");
    let refused = complaint(&chain(dir.path(), [1, 0, 2]), &key);
    assert!(refused.contains("cert.pem are in the wrong order: the server's is number 2; put it first"), "{refused}");
    chain(dir.path(), [0, 2, 1]);
    let server = start(dir.path());
    assert!(
        log_of(&server).contains("cert.pem are in the wrong order: number 2 did not issue the one before"),
        "{}",
        log_of(&server)
    );
    chain(dir.path(), [0, 1, 2]);
    let server = start(dir.path());
    assert!(!log_of(&server).contains("order"), "{}", log_of(&server));
}

#[test]
fn files_that_are_replaced_are_read_again_without_a_signal() {
    let dir = made_by_openssl(" -addext basicConstraints=critical,CA:FALSE");
    let server = start(dir.path());
    let pin = |dir: &Path| {
        let (chain, directory) = (dir.join("cert.pem"), dir.to_str().unwrap().to_owned());
        let check = command(
            server.data(),
            &["check", &format!("localhost:{}", server.address().port()), "--ca", chain.to_str().unwrap()],
        );
        (ends(server.data(), check).0, directory)
    };
    assert_eq!(pin(dir.path()).0, Some(0));
    let renewed = made_by_openssl(" -addext basicConstraints=critical,CA:FALSE");
    assert_eq!(pin(renewed.path()).0, Some(1));
    for file in ["key.pem", "cert.pem"] {
        std::fs::copy(renewed.path().join(file), dir.path().join(file)).unwrap();
    }
    eventually("the certificate is reloaded", || server.log().contains("certificate reloaded"));
    assert_eq!(pin(renewed.path()).0, Some(0));
    // What cannot be used changes nothing.
    std::fs::write(dir.path().join("cert.pem"), "half").unwrap();
    eventually("it is told", || server.log().contains("the certificate stays as it was"));
    assert_eq!(pin(renewed.path()).0, Some(0));
}
