//! The memory of a running server contains nothing of a password after the check.

use std::collections::BTreeSet;
use std::fs::{File, read_to_string};
use std::io::Read;
use std::os::unix::fs::FileExt;

use memchr::memmem;

use crate::harness::{Server, eventually};

/// Length of a piece of a password that counts as a trace, in bytes. Freeing memory may overwrite its beginning.
const TRACE: usize = 12;

/// Returns the numbers of those passwords of which the memory of a process contains a piece.
fn traces(pid: u32, passwords: &[String]) -> BTreeSet<usize> {
    let memory = File::open(format!("/proc/{pid}/mem")).unwrap();
    let maps = read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let mut found = BTreeSet::new();
    for map in maps.lines().filter(|map| map.contains(" rw")) {
        let (start, end) = map.split(' ').next().unwrap().split_once('-').unwrap();
        let [start, end] = [start, end].map(|address| u64::from_str_radix(address, 16).unwrap());
        let mut bytes = vec![0; usize::try_from(end - start).unwrap()];
        // A map that no longer exists contains nothing.
        if memory.read_exact_at(&mut bytes, start).is_err() {
            continue;
        }
        for (number, password) in passwords.iter().enumerate() {
            let is_there = |piece: &[u8]| memmem::find(&bytes, piece).is_some();
            if password.as_bytes().chunks_exact(TRACE).any(is_there) {
                found.insert(number);
            }
        }
    }
    found
}

/// Returns a random password of 72 bytes, which shares no piece with another.
fn password(random: &mut File) -> String {
    let mut bytes = [0; 36];
    random.read_exact(&mut bytes).unwrap();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn no_password_stays_in_memory() {
    let server = Server::start();
    let mut random = File::open("/dev/urandom").unwrap();
    let passwords: Vec<String> = (0..9).map(|_| password(&mut random)).collect();
    let mut ann = server.connect();
    assert_eq!(ann.ask(&format!("REGISTER ann {}", passwords[0])), "OK register ann lobby");
    let mut bob = server.connect();
    bob.send_renewed_in_pieces(&format!("REGISTER bob {}", passwords[1]));
    assert_eq!(bob.line(), "OK register bob lobby");
    assert_eq!(ann.line(), "JOIN lobby bob");
    assert_eq!(ann.ask(&format!("/passwd {} {}", passwords[0], passwords[2])), "OK passwd");
    assert_eq!(bob.ask(&format!(r#"/passwd "{}" "{}""#, passwords[1], passwords[3])), "OK passwd");
    // All kinds of refused commands.
    assert!(ann.ask(&format!("LOGIN ann {}", passwords[2])).starts_with("ERR already-authenticated "));
    assert!(
        ann.ask(&format!(r#"/passwd "{}" "{}" more"#, passwords[2], passwords[4])).starts_with("ERR bad-argument ")
    );
    assert!(ann.ask(&format!(r#"/passwd "{}" "{}"#, passwords[2], passwords[4])).starts_with("ERR bad-argument "));
    assert!(ann.ask(&format!("/passwd {} {}x", passwords[2], passwords[4])).starts_with("ERR password-too-long "));
    assert!(server.connect().ask(&format!("LOGIN ann {}", passwords[5])).starts_with("ERR bad-credentials "));
    assert!(server.connect().ask(&format!("LOGIN nobody {}", passwords[6])).starts_with("ERR bad-credentials "));
    // A password together with many other lines, and one at the end of input without a line feed.
    let mut cyd = server.connect();
    cyd.send_bytes(format!("{}REGISTER cyd {}\n", "PING\n".repeat(900), passwords[7]).as_bytes());
    cyd.until("OK register cyd ");
    server.connect().send_bytes(format!("LOGIN ann {}", passwords[8]).as_bytes());
    // A thread may end a little later.
    eventually("nothing of any password is left", || traces(server.pid(), &passwords).is_empty());
    // The search finds a text that the server keeps on purpose.
    let text = password(&mut random);
    ann.send(&text);
    assert_eq!(bob.until("MSG "), format!("MSG lobby ann {text}"));
    assert!(!traces(server.pid(), &[text]).is_empty());
}
