//! How long running servers keep the messages of rooms. The rules for too old entries are tested with the stores.

use std::cell::RefCell;

use rusqlite::{Connection, params};

use crate::harness::{Options, Server, eventually};
use crate::keeping::{Place, stop};

/// Makes messages of all rooms older by two days, up to this number.
const OLD: u32 = 3;

const TWO_DAYS_MS: i64 = 2 * 24 * 60 * 60 * 1000;

/// Writes the entries of a stream again, the first of them with an earlier time.
const AGE_STREAM: &str = "
    local entries = redis.call('XRANGE', KEYS[1], '-', '+')
    redis.call('DEL', KEYS[1])
    for _, entry in ipairs(entries) do
        local fields = entry[2]
        for at = 1, #fields, 2 do
            if fields[at] == 'time' and tonumber(entry[1]:match('^%d+')) <= tonumber(ARGV[1]) then
                fields[at + 1] = string.format('%d', tonumber(fields[at + 1]) - tonumber(ARGV[2]))
            end
        end
        redis.call('XADD', KEYS[1], entry[1], unpack(fields))
    end
    return #entries";

fn age(place: &Place) {
    let Some(redis) = &place.redis else {
        let database = Connection::open(place.data.path().join("parlor.db")).unwrap();
        let sql = "UPDATE entry SET time = time - ?1 WHERE number <= ?2";
        assert_eq!(database.execute(sql, params![TWO_DAYS_MS, OLD]).unwrap(), 6);
        return;
    };
    for log in ["parlor:log:{red}", "parlor:log:{blue}"] {
        let aged = redis.cli(&["EVAL", AGE_STREAM, "1", log, &OLD.to_string(), &TWO_DAYS_MS.to_string()]);
        assert!(["3", "5"].contains(&aged.trim()), "{aged}");
    }
}

fn serve_with_retention(place: &Place) -> Server {
    let options = Options::default().env("PARLOR_ROOM_RETENTION", "on");
    place.redis.iter().fold(options, |it, redis| it.env("PARLOR_REDIS", &redis.url())).start_in(place.data.clone())
}

fn what_is_older_is_deleted(place: &Place) {
    let server = serve_with_retention(place);
    let mut ann = server.register("ann");
    for room in ["red", "blue"] {
        ann.ask(&format!("/open {room}"));
        for number in 1..=OLD {
            ann.send(&format!("/say {room} old {number}"));
        }
    }
    assert_eq!(ann.ask("/retention red 1d"), "OK retention red 1d");
    ann.send("/say red new");
    assert_eq!(ann.ask("/ping said"), "PONG said");
    drop(ann);
    stop(server);
    age(place);
    // What was chosen stays in force where owners choose no longer.
    let server = place.serve();
    let ann = RefCell::new(server.log_in("ann"));
    ann.borrow_mut().ask("/open blue");
    ann.borrow_mut().ask("/open red");
    ann.borrow_mut().ask("/switch red");
    let list = |command: &str, last: &str| ann.borrow_mut().list(command, last);
    eventually("what is too old is deleted", || list("/backlog #red", "OK backlog").len() < 5);
    let red = list("/backlog #red", "OK backlog");
    assert_eq!(red, ["LOG #red 4 ann (retention) 1d", "LOG #red 5 ann new", "OK backlog #red 2"]);
    assert_eq!(list("/history", "OK history"), ["OLD red 5 ann new", "OK history red 1"]);
    assert_eq!(list("/backlog #blue", "OK backlog").last().unwrap(), "OK backlog #blue 3");
    assert_eq!(ann.borrow_mut().ask("/retention red default"), "ERR not-allowed Only operators may do that");
    assert_eq!(place.says(&["room", "show", "red"]).lines().filter(|line| *line == "retention  1d").count(), 1);
    if place.redis.is_none() {
        let database = Connection::open(place.data.path().join("parlor.db")).unwrap();
        let kept = database.query_row("SELECT count(*) FROM entry WHERE text LIKE '%old%'", [], |row| row.get(0));
        assert_eq!(kept, Ok(3), "those of the other room");
    }
}

#[test]
fn what_is_older_than_a_room_wants_is_deleted_on_a_server() {
    what_is_older_is_deleted(&Place::embedded());
    what_is_older_is_deleted(&Place::shared());
}
