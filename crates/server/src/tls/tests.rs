//! Tests of the private authority on disk, and of certificates as a rustls client sees them.

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConnection};
use tempfile::TempDir;

use super::certificate::{CertificateInfo, Validity};
use super::*;
use crate::settings::CertificateFiles;

fn names(texts: &[&str]) -> Vec<TlsName> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn open(dir: &Path, texts: &[&str]) -> anyhow::Result<Material> {
    Material::open(&CertificateFiles::Made { dir: dir.to_path_buf() }, &names(texts))
}

/// Returns a directory that does not exist yet. Dropping the guard removes its parent.
fn fresh() -> (TempDir, std::path::PathBuf) {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("data/tls");
    (parent, dir)
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn file(dir: &Path, name: &str) -> String {
    std::fs::read_to_string(dir.join(name)).unwrap()
}

/// Returns a client that trusts the authority in `dir`.
fn client(dir: &Path, name: &str) -> ClientConnection {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(dir.join("ca.pem")).unwrap()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let config = builder.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots);
    let name = ServerName::try_from(name.to_string()).unwrap();
    ClientConnection::new(Arc::new(config.with_no_client_auth()), name).unwrap()
}

/// Does the TLS handshake in memory. The error is the client's.
fn shake(client: &mut ClientConnection, server: &mut ServerConnection) -> Result<(), rustls::Error> {
    while client.is_handshaking() || server.is_handshaking() || client.wants_write() || server.wants_write() {
        let mut transport = Vec::new();
        client.write_tls(&mut transport).unwrap();
        server.read_tls(&mut transport.as_slice()).unwrap();
        server.process_new_packets().unwrap();
        let mut transport = Vec::new();
        server.write_tls(&mut transport).unwrap();
        client.read_tls(&mut transport.as_slice()).unwrap();
        client.process_new_packets()?;
    }
    Ok(())
}

fn connect(material: &Material, dir: &Path, name: &str) -> Result<Vec<u8>, rustls::Error> {
    let mut client = client(dir, name);
    let mut server = ServerConnection::new(TlsConfigs::new(material.resolver.clone()).unwrap().without_alpn).unwrap();
    shake(&mut client, &mut server)?;
    Ok(client.peer_certificates().unwrap()[0].to_vec())
}

#[test]
fn the_first_start_makes_an_authority_that_clients_can_verify() {
    let (_parent, dir) = fresh();
    let material = open(&dir, &["Chat.Example.org", "192.0.2.7"]).unwrap();
    assert_eq!(material.ca_path, Some(dir.join("ca.pem")));
    for name in ["localhost", "127.0.0.1", "::1", "chat.example.org", "192.0.2.7"] {
        connect(&material, &dir, name).unwrap();
    }
    assert!(connect(&material, &dir, "other.example.org").is_err());
}

#[test]
fn keys_are_private_and_nothing_else_is_left_behind() {
    let (_parent, dir) = fresh();
    open(&dir, &[]).unwrap();
    assert_eq!((mode(&dir), mode(&dir.join("ca.key")), mode(&dir.join("server.key"))), (0o700, 0o600, 0o600));
    let mut files: Vec<_> = std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    files.sort();
    assert_eq!(files, ["ca.key", "ca.pem", "server.key", "server.pem"]);
}

#[test]
fn validity_is_ten_years_and_800_days() {
    let (_parent, dir) = fresh();
    let server = open(&dir, &[]).unwrap().facts;
    let days = |facts: &CertificateInfo| facts.not_after.duration_since(Timestamp::now()).as_hours() / 24;
    assert!((799..=800).contains(&days(&server)), "{} days", days(&server));
    let authority = Authority::in_dir(&dir).facts().unwrap();
    assert!((3651..=3652).contains(&days(&authority)), "{} days", days(&authority));
}

#[test]
fn validity_is_told_30_days_ahead() {
    let (_parent, dir) = fresh();
    let facts = open(&dir, &[]).unwrap().facts;
    let before_end = |hours| facts.not_after - SignedDuration::from_hours(hours);
    assert_eq!(facts.validity(before_end(30 * 24)), Validity::Good);
    assert_eq!(facts.validity(before_end(30 * 24 - 1)), Validity::Ending(29));
    assert_eq!(facts.validity(before_end(-1)), Validity::Expired);
    assert_eq!(facts.validity(before_end(23)), Validity::Ending(0));
    assert_eq!([0, 1, 29].map(in_days), ["within a day", "in 1 day", "in 29 days"]);
}

#[test]
fn a_second_start_changes_nothing() {
    let (_parent, dir) = fresh();
    open(&dir, &[]).unwrap();
    let before = ["ca.pem", "ca.key", "server.pem", "server.key"].map(|name| file(&dir, name));
    open(&dir, &["late.example.org"]).unwrap();
    assert_eq!(["ca.pem", "ca.key", "server.pem", "server.key"].map(|name| file(&dir, name)), before);
}

#[test]
fn starts_at_the_same_moment_agree_on_one_authority() {
    let (_parent, dir) = fresh();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| open(&dir, &[]).unwrap());
        }
    });
    connect(&open(&dir, &[]).unwrap(), &dir, "localhost").unwrap();
}

#[test]
fn renewal_keeps_authority_key_pin_and_names() {
    let (_parent, dir) = fresh();
    let authority = Authority::in_dir(&dir);
    let before = open(&dir, &["chat.example.org"]).unwrap().facts;
    let (ca, old) = (file(&dir, "ca.pem"), file(&dir, "server.pem"));
    assert!(!authority.renew(&[], Renewal::IfExpired).unwrap());
    assert_eq!(file(&dir, "server.pem"), old);
    assert!(authority.renew(&[], Renewal::Forced).unwrap());
    assert_ne!(file(&dir, "server.pem"), old);
    assert_eq!(file(&dir, "ca.pem"), ca);
    let after = open(&dir, &[]).unwrap();
    assert_eq!((&after.facts.pin, &after.facts.names), (&before.pin, &before.names));
    connect(&after, &dir, "chat.example.org").unwrap();
}

#[test]
fn renewal_with_names_takes_these_instead() {
    let (_parent, dir) = fresh();
    open(&dir, &["old.example.org"]).unwrap();
    Authority::in_dir(&dir).renew(&names(&["new.example.org"]), Renewal::Forced).unwrap();
    let material = open(&dir, &[]).unwrap();
    connect(&material, &dir, "new.example.org").unwrap();
    connect(&material, &dir, "localhost").unwrap();
    assert!(connect(&material, &dir, "old.example.org").is_err());
}

#[test]
fn a_crash_between_two_files_is_mended_by_the_next_start() {
    for lost in [&["server.pem"][..], &["server.pem", "server.key"], &["ca.pem", "server.pem", "server.key"]] {
        let (_parent, dir) = fresh();
        open(&dir, &[]).unwrap();
        lost.iter().for_each(|name| std::fs::remove_file(dir.join(name)).unwrap());
        std::fs::write(dir.join("server.new"), "half a fi").unwrap();
        connect(&open(&dir, &[]).unwrap(), &dir, "localhost").unwrap();
    }
}

#[test]
fn reload_serves_the_new_certificate_and_survives_a_bad_one() {
    let (_parent, dir) = fresh();
    let material = open(&dir, &[]).unwrap();
    let first = connect(&material, &dir, "localhost").unwrap();
    Authority::in_dir(&dir).renew(&[], Renewal::Forced).unwrap();
    assert_eq!(connect(&material, &dir, "localhost").unwrap(), first);
    material.resolver.reload();
    let second = connect(&material, &dir, "localhost").unwrap();
    assert_ne!(second, first);
    std::fs::write(dir.join("server.pem"), "no certificate").unwrap();
    material.resolver.reload();
    assert_eq!(connect(&material, &dir, "localhost").unwrap(), second);
}

#[test]
fn a_connection_made_before_a_reload_goes_on() {
    let (_parent, dir) = fresh();
    let material = open(&dir, &[]).unwrap();
    let mut client = client(&dir, "localhost");
    let mut server = ServerConnection::new(TlsConfigs::new(material.resolver.clone()).unwrap().without_alpn).unwrap();
    shake(&mut client, &mut server).unwrap();
    Authority::in_dir(&dir).renew(&[], Renewal::Forced).unwrap();
    material.resolver.reload();
    client.writer().write_all(b"still here").unwrap();
    shake(&mut client, &mut server).unwrap();
    let mut heard = [0; 10];
    server.reader().read_exact(&mut heard).unwrap();
    assert_eq!(&heard, b"still here");
}

#[test]
fn own_files_are_loaded_and_bad_ones_are_named() {
    let (_parent, dir) = fresh();
    let (_other_parent, other) = fresh();
    open(&dir, &[]).unwrap();
    open(&other, &[]).unwrap();
    let own =
        |chain: &Path, key: &Path| Material::open(&CertificateFiles::Own { chain: chain.into(), key: key.into() }, &[]);
    let (chain, key) = (dir.join("server.pem"), dir.join("server.key"));
    assert_eq!(own(&chain, &key).unwrap().ca_path, None);
    let cases = [
        (dir.join("none.pem"), key.clone(), "cannot read DIR/none.pem: No such file or directory (os error 2)"),
        (key.clone(), key.clone(), "DIR/server.key holds no certificate in PEM"),
        (chain.clone(), chain.clone(), "DIR/server.pem holds no private key in PEM"),
        (
            chain.clone(),
            other.join("server.key"),
            "the private key OTHER/server.key is not the key of the certificate DIR/server.pem",
        ),
    ];
    for (chain, key, said) in cases {
        let error = format!("{:#}", own(&chain, &key).unwrap_err());
        let error = error.replace(dir.to_str().unwrap(), "DIR").replace(other.to_str().unwrap(), "OTHER");
        assert!(error.starts_with(said), "{error}");
    }
}

#[test]
fn an_authority_without_its_key_signs_nothing() {
    let (_parent, dir) = fresh();
    open(&dir, &[]).unwrap();
    std::fs::remove_file(dir.join("ca.key")).unwrap();
    open(&dir, &[]).unwrap();
    let error = Authority::in_dir(&dir).renew(&[], Renewal::Forced).unwrap_err().to_string();
    assert!(error.contains("ca.key is missing"), "{error}");
}

#[test]
fn names_of_certificates() {
    for text in ["localhost", "*.example.org", "192.0.2.1", "2001:db8::1", "xn--bcher-kva.example"] {
        assert_eq!(text.parse::<TlsName>().unwrap().to_string(), text);
    }
    for text in ["", "two words", "*", "a..b", "*.*.b", "bücher.example", "host:7878"] {
        assert!(text.parse::<TlsName>().is_err(), "{text:?} was accepted");
    }
}
