//! The minimal permissions of a Redis user. It must not permit more than `docs/redis.md` tells operators to permit.

use std::collections::BTreeSet;

use parlor_core::DuplicateLogin::Reject;
use parlor_core::ports::{
    Account, Act, ActResult, Append, AppendResult, Attempt, AttemptOutcome, Content, Deed, Destination,
    InvitationTerms, InvitedResult, LogId, LoginDecision, Mark, OuthookTurn, PageRequest, PasswordHash, Role,
    SecretHash, SessionKey, Suspension, UnloggedMessage,
};
use parlor_proto::{MessageId, Order, PageRange, Text, Tickets as Which, Timestamp};
use parlor_redis_testkit::{Fsync, Reach, RedisCluster, RedisOptions, RedisServer, wait_until};
use parlor_store::redis::{Config, status};

use crate::harness::{Server, config, log_of, name, numbered, room, stored};
use crate::outhooks::{act, outhook};
use crate::tickets::add_ticket;

/// The commands that a server needs on any Redis.
const COMMANDS: &str = "client|info client|kill del evalsha exists expire get hdel hexists hget hgetall hincrby hmget \
    hlen hset hsetnx info persist pexpire pttl publish sadd scard script|load set sismember smembers spublish srem ssubscribe subscribe \
    sunsubscribe time xadd xdel xlen xrange xrevrange xtrim zadd zcard zrange zrem zremrangebyscore zscore";

/// The additional commands on a Cluster.
const CLUSTER_COMMANDS: &str = "asking cluster|slots";

/// The additional command if a message must be on replicas before it is accepted.
const REPLICA_COMMANDS: &str = "wait";

fn user(options: RedisOptions, commands: &[&str]) -> RedisOptions {
    let commands: Vec<String> = commands.join(" ").split_whitespace().map(|command| format!("+{command}")).collect();
    options.user("parlor", "secret", &format!("resetchannels ~parlor:* &parlor:* -@all {}", commands.join(" ")))
}

fn account_of_ann() -> Account {
    let hash = PasswordHash::new("x".to_owned());
    Account {
        user: name("ann"),
        hash,
        role: Role::Member,
        created: Timestamp::from_millis(7),
        kicks: 0,
        suspension: None,
    }
}

/// Says something in the session's own room `blue`, changes and removes it, and moderates.
fn moderate(server: &Server, by: &SessionKey) {
    let said = server.say(by, &log_of("blue"), "helo");
    let (of, text) = (MessageId(said), Text::sanitise("hello").unwrap());
    let edit = Append {
        to: Destination::Edit { room: room("blue"), window: std::time::Duration::from_secs(60 * 60 * 24 * 36_500) },
        author: by.user.clone(),
        generation: by.generation,
        time: Timestamp::from_millis(7),
        content: Content::Edit { of, text: text.clone().into() },
        once: None,
    };
    let edited = server.store.log.append(vec![edit]).outcomes.remove(0).unwrap();
    assert!(matches!(edited, AppendResult::Stored(_)), "{edited:?}");
    let mute = Order::Mute(name("bob"), Some(std::time::Duration::from_secs(9)));
    let orders = [Order::Topic(text), mute, Order::Unmute(name("bob"))];
    let order = |order| Deed::Order { order, target: Some(parlor_testkit::person("bob")) };
    let removal = Deed::Removal { of, reason: parlor_proto::Note::default() };
    for deed in orders.map(order).into_iter().chain([removal]) {
        let actor = parlor_testkit::person(by.user.as_str());
        let act = Act { room: room("blue"), actor, generation: by.generation, time: Timestamp::from_millis(7), deed };
        let report = server.store.governance.act(act).unwrap();
        assert!(matches!(report.result, ActResult::Done(Some(_))), "{report:?}");
    }
    post_by_a_hook(server, by);
    let range = (log_of("blue"), MessageId(0), MessageId(9));
    assert_eq!(server.store.log.others_between(&[range]).unwrap(), [5]);
    assert!(server.store.governance.rights(&[room("blue")]).unwrap()[0].is_some());
}

/// Makes an outgoing hook, posts by it, and ends it.
fn post_by_a_hook(server: &Server, by: &SessionKey) {
    let (outhooks, blue, hook) = (&server.store.outhooks, room("blue"), outhook(by));
    act(server, by, "blue", Deed::AddOuthook(hook.clone()));
    assert_eq!(outhooks.rooms().unwrap(), std::slice::from_ref(&blue));
    assert_eq!(outhooks.take_turn(&blue, &hook).unwrap(), OuthookTurn::Mine(MessageId(0)));
    assert!(outhooks.note_posted(&blue, hook.id(), MessageId(1)).unwrap());
    outhooks.release_turn(&blue, hook.id()).unwrap();
    outhooks.forget_room(&blue).unwrap();
    act(server, by, "blue", Deed::RemoveHook(hook.id()));
}

/// Counts failed and successful logins of an account, and its addresses.
fn try_logins(server: &Server, account: &Account) {
    let limiter = &server.store.attempts;
    let (user, address, now) = (&account.user, "192.0.2.1", account.created);
    let attempt = Attempt { user, address, is_address_limited: true, at: std::time::Duration::ZERO, now };
    for outcome in [AttemptOutcome::Wrong, AttemptOutcome::Right, AttemptOutcome::Wrong] {
        let LoginDecision::Allowed(permit) = limiter.acquire(&attempt).unwrap() else { panic!("nothing failed") };
        limiter.release(&attempt, permit, outcome).unwrap();
    }
    for number in 0..20 {
        let address = format!("192.0.2.{number}");
        limiter.note_known_address(&Attempt { address: &address, ..attempt.clone() }).unwrap();
    }
}

/// Ends the Pub/Sub connections and sends messages, until a server misses one and reads it from the log. Returns the
/// messages.
fn miss_entries(redis: &RedisServer, send: impl Fn(&str)) -> Vec<String> {
    let mut said = Vec::new();
    wait_until("an entry that a server missed", || {
        redis.cli(&["CLIENT", "KILL", "TYPE", "pubsub"]);
        said.push(format!("message {}", said.len()));
        send(said.last().expect("it was pushed just now"));
        redis.cli(&["INFO", "commandstats"]).contains("cmdstat_xrange:")
    });
    said
}

/// Direct messages, pages, marks and blocks.
fn use_conversations(one: &Server, two: &Server, ann: &Account) {
    let (bob, personal) = (one.session_key("bob"), &two.store.personal);
    assert_eq!(one.tell_once(&bob, ann, "hello", "key"), Ok(AppendResult::Stored(MessageId(1))));
    assert_eq!(one.tell_once(&bob, ann, "hello", "key"), Ok(AppendResult::Repeated(MessageId(1))));
    let inbox = LogId::Inbox(ann.user.clone());
    assert_eq!(two.newest(&inbox, 10).unwrap().len(), 1);
    let request = PageRequest { log: inbox, peer: Some(bob.user.clone()), range: PageRange::Newest, count: 10 };
    assert_eq!(two.store.log.page(&request).unwrap().entries.len(), 1);
    personal.mark_conversations(&ann.user, &[(bob.user.clone(), MessageId(1))]).unwrap();
    assert!(personal.remember(&ann.user, &room("red"), MessageId(1), 64).unwrap());
    let mark = Mark { log: log_of("red"), read: MessageId(1), last: MessageId(1) };
    personal.mark(&ann.user, &[mark]).unwrap();
    assert_eq!(personal.load(&ann.user).unwrap().conversations.len(), 1);
    personal.forget(&ann.user, &room("red")).unwrap();
    personal.block(&ann.user, &bob.user).unwrap();
    assert_eq!(one.try_tell(&bob, ann, "hello"), Ok(AppendResult::Blocked));
    assert_eq!(personal.blocks(&ann.user).unwrap(), [name("bob")]);
    personal.unblock(&ann.user, &bob.user).unwrap();
    // So many that the oldest go.
    let oneself = Account { user: bob.user.clone(), ..ann.clone() };
    for _ in 0..12 {
        let notes: Vec<_> = numbered("note", 100).into_iter().map(|note| (&oneself, note)).collect();
        one.tell_all(&bob, &notes).into_iter().for_each(|outcome| assert!(stored(outcome).is_ok()));
    }
}

/// Makes, uses and revokes tickets, also by another password and by a suspension.
fn use_tickets(server: &Server, account: &Account) {
    let (tickets, accounts) = (&server.store.tickets, &server.store.accounts);
    let session = server.session_key("ann");
    for secret in ["one", "two"] {
        let ticket = add_ticket(server, secret);
        assert!(tickets.find(&account.user, ticket.id()).unwrap().is_some());
        assert!(tickets.note_use(&account.user, &ticket, account.created, "192.0.2.1").unwrap());
        assert!(tickets.bind(&session, ticket.id()).unwrap());
    }
    let suspension = Suspension { until: None, reason: parlor_proto::Note::default() };
    assert!(accounts.suspend(&account.user, Some(&suspension)).unwrap());
    assert!(accounts.suspend(&account.user, None).unwrap());
    assert_eq!(tickets.revoke(&account.user, Which::All, None).unwrap(), 2);
    add_ticket(server, "three");
    assert!(accounts.change_password(&account.user, &account.hash, &account.hash, session.generation).unwrap());
    server.release(&session).unwrap();
}

/// Makes, uses and revokes an invitation.
fn use_invitations(server: &Server, account: &Account) {
    let (invitations, hash, now) = (&server.store.invitations, SecretHash::of("code"), account.created);
    let (by, role) = (account.user.clone(), Role::Member);
    let terms = InvitationTerms { hash: hash.clone(), by, role, rooms: vec![room("red")], uses: 1 };
    assert!(invitations.add(&terms, std::time::Duration::from_secs(60), now).unwrap().is_some());
    assert!(invitations.find_valid(&hash, now).unwrap().is_some());
    let invited = Account { user: name("cyd"), ..account.clone() };
    assert_eq!(invitations.register(&invited, &hash, now).unwrap(), InvitedResult::Made);
    assert!(server.store.accounts.delete(&invited.user).unwrap());
    assert_eq!(invitations.invitations(now).unwrap().len(), 1);
    assert!(invitations.revoke(terms.id()).unwrap());
}

/// Runs everything that servers do.
fn do_everything(config: &Config, redis: &RedisServer) {
    let servers = [(); 3].map(|()| Server::try_open(config).unwrap());
    let [one, two, dead] = &servers;
    let account = account_of_ann();
    let accounts = &one.store.accounts;
    assert!(accounts.create(&account).unwrap() && accounts.set_role(&account.user, Role::Operator).unwrap());
    assert!(accounts.kick(&account.user).unwrap());
    assert_eq!(accounts.accounts().unwrap().len(), 1);
    try_logins(one, &account);
    use_tickets(one, &account);
    use_invitations(one, &account);
    assert!(accounts.unlock(&account.user, Some("192.0.2.1"), account.created).unwrap());
    let (ann, red) = (one.member("ann", "red"), log_of("red"));
    let feed = LogId::Feed(name("ann"));
    two.follow(&red);
    two.follow(&feed);
    two.store.follows.subscribe(&name("bob"), &name("ann")).unwrap();
    two.store.follows.unsubscribe(&name("bob"), &name("ann")).unwrap();
    one.say(&ann, &feed, "published");
    one.say(&ann, &red, "before");
    redis.cli(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
    redis.cli(&["SCRIPT", "FLUSH"]);
    let said = miss_entries(redis, |text| {
        one.say(&ann, &red, text);
    });
    two.hears(&red, &[vec!["before".to_owned()], said].concat());
    assert!(!two.newest(&red, 10).unwrap().is_empty());
    let limit = Some(parlor_core::ports::TakeoverLimit { max: 2, within: std::time::Duration::from_secs(60) });
    let connection = parlor_core::ConnectionId(9);
    let policy = parlor_core::DuplicateLogin::Takeover;
    let at = std::time::Duration::ZERO;
    let claim = parlor_core::ports::Claim { user: &name("ann"), connection, policy, takeovers: limit, at };
    two.store.sessions.claim(&claim).unwrap();
    two.store.sessions.claim(&claim).unwrap();
    two.store.sessions.claim(&claim).unwrap();
    wait_until("the displacement notice", || !one.sink.displaced().is_empty());
    let new = two.session_key("ann");
    two.store.rooms.evict_predecessors(&new).unwrap();
    two.waits(&new, std::time::Duration::ZERO);
    one.release(&ann).unwrap();
    assert_eq!(two.claim("ann", 9, Reject), Ok(parlor_core::ports::ClaimResult::AlreadyLoggedIn));
    two.enter(&new, "blue");
    moderate(two, &new);
    two.leave(&new, "blue").unwrap();
    assert!(two.store.rooms.rooms(&parlor_testkit::person("nobody")).unwrap().len() == 1 && two.is_online("ann"));
    let text = Text::sanitise("hello").unwrap();
    let message = UnloggedMessage { time: Timestamp::from_millis(7), from: name("bob"), text };
    one.store.bus.broadcast(&message).unwrap();
    use_conversations(one, two, &account);
    two.store.log.unfollow(&feed);
    wait_until("the end of a subscription", || !redis.cli(&["PUBSUB", "SHARDCHANNELS"]).contains("feed"));
    assert_eq!(status(config).unwrap().servers.unwrap().len(), 3);
    assert!(accounts.delete(&account.user).unwrap());
    dead.member("cat", "green");
    let [_one, two, dead] = servers;
    drop(dead);
    wait_until("the reaper", || two.members("green").is_empty());
    two.release(&new).unwrap();
    two.close();
}

/// The commands that were called at `redis`, and those that were rejected.
fn called(redis: &RedisServer) -> (BTreeSet<String>, BTreeSet<String>) {
    let info = redis.cli(&["INFO", "commandstats"]);
    let (mut called, mut refused) = (BTreeSet::new(), BTreeSet::new());
    for line in info.lines().filter_map(|line| line.strip_prefix("cmdstat_")) {
        let (command, counts) = line.split_once(':').unwrap();
        if counts.contains("rejected_calls=0,") {
            called.insert(command.to_owned());
        } else {
            refused.insert(command.to_owned());
        }
    }
    (called, refused)
}

#[test]
fn a_user_needs_these_commands_and_no_others() {
    let options = user(RedisServer::options(), &[COMMANDS]).append_only(Fsync::EverySecond);
    let redis = options.start();
    redis.cli(&["CONFIG", "RESETSTAT"]);
    do_everything(&Config { history: 10, ..config(&redis.url()) }, &redis);
    let (called, mut refused) = called(&redis);
    // The client library's information about itself does not matter.
    refused.remove("client|setinfo");
    assert_eq!(refused, BTreeSet::new());
    for command in COMMANDS.split_whitespace() {
        assert!(called.contains(command), "{command} is not needed");
    }
}

#[test]
fn a_user_of_a_cluster_needs_two_more() {
    let options = user(RedisServer::options(), &[COMMANDS, CLUSTER_COMMANDS, REPLICA_COMMANDS]);
    let cluster = RedisCluster::start_with(options, Reach::Direct, 0);
    let (one, two) = (Server::open(&cluster.urls()[0]), Server::open(&cluster.urls()[1]));
    let (ann, red) = (one.member("ann", "red"), log_of("red"));
    let home = cluster.master_of("parlor:log:{red}");
    let other = cluster.nodes().find(|node| node.port() != home.port()).unwrap();
    two.follow(&red);
    one.say(&ann, &red, "before");
    let migration = cluster.begin_migration("parlor:log:{red}", other);
    migration.move_keys();
    one.say(&ann, &red, "asked");
    migration.finish();
    one.say(&ann, &red, "moved");
    two.hears(&red, &["before", "asked", "moved"].map(str::to_owned));
}

#[test]
fn a_user_who_may_do_less_is_told_so() {
    let without = |command: &str| COMMANDS.split_whitespace().filter(|other| *other != command).collect::<Vec<_>>();
    let redis = user(RedisServer::options(), &without("subscribe")).start();
    let told = Server::try_open(&config(&redis.url())).map(drop).unwrap_err().to_string();
    assert!(told.contains("subscribe"), "{told}");
}
