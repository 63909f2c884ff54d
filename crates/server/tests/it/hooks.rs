//! What programs post to a hook is said in its room: payloads of Grafana, Alertmanager, Gitea and Uptime Kuma as their
//! documentation shows them, and `curl`.

use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{Client, Http, Options, Server};

/// A member of the room garden who reads JSON, and the path of its hook.
fn garden(server: &Server) -> (Client, String) {
    let mut ann = server.register("ann");
    assert_eq!(ann.ask("/open garden"), "OK open garden 1");
    let path = hook(&mut ann, "ops");
    ann.send("/format json");
    ann.event();
    (ann, path)
}

/// The path of a new hook.
fn hook(moderator: &mut Client, label: &str) -> String {
    let reply = moderator.ask(&format!("/hook garden {label}"));
    let url = reply.strip_prefix("OK hook https://").unwrap();
    format!("/{}", url.split_once('/').unwrap().1)
}

fn post(server: &Server, path: &str, body: &str) -> (u16, String) {
    let mut http = Http::open(server.address(), &server.ca());
    let response = http.ask("POST", path, "Content-Type: application/json\r\n", body);
    (response.status, response.text().to_owned())
}

/// Posts to the hook, and returns the lines that a member hears.
fn heard(server: &Server, ann: &mut Client, path: &str, body: &Value) -> Vec<String> {
    assert_eq!(post(server, path, &body.to_string()), (200, "ok".to_owned()), "{body}");
    ann.send("/ping end");
    let mut lines = Vec::new();
    loop {
        let event = ann.event();
        match event["type"].as_str().unwrap() {
            "message" => {
                assert_eq!(
                    (&event["from"], &event["bot"], &event["room"]),
                    (&json!("ops"), &json!(true), &json!("garden"))
                );
                lines.push(event["text"].as_str().unwrap().to_owned());
            }
            "pong" => return lines,
            other => panic!("{other}"),
        }
    }
}

/// A webhook of Alertmanager, version 4.
fn alertmanager() -> Value {
    let alert = |status: &str, instance: &str| {
        json!({
            "status": status,
            "labels": { "alertname": "DiskFull", "instance": instance, "severity": "page" },
            "annotations": { "summary": "Less than 5 % free", "runbook_url": "https://wiki.example/disk" },
            "startsAt": "2026-11-29T01:02:03.004Z", "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "https://prometheus.example/graph", "fingerprint": "c8a5"
        })
    };
    json!({
        "version": "4", "groupKey": "{}:{alertname=\"DiskFull\"}", "truncatedAlerts": 0, "status": "firing",
        "receiver": "chat", "groupLabels": { "alertname": "DiskFull" },
        "commonLabels": { "alertname": "DiskFull", "severity": "page" }, "commonAnnotations": {},
        "externalURL": "https://alertmanager.example",
        "alerts": [alert("firing", "db1:9100"), alert("resolved", "db2:9100")]
    })
}

/// A webhook of a contact point of Grafana.
fn grafana() -> Value {
    json!({
        "receiver": "chat", "status": "firing", "orgId": 1, "groupLabels": {}, "commonAnnotations": {},
        "alerts": [{
            "status": "firing", "labels": { "alertname": "High load" }, "annotations": { "description": "load > 4" },
            "startsAt": "2026-11-29T01:02:03Z", "endsAt": "0001-01-01T00:00:00Z", "values": { "B": 44.2 },
            "dashboardURL": "https://grafana.example/d/abc", "silenceURL": "https://grafana.example/silence"
        }],
        "externalURL": "https://grafana.example/", "version": "1", "groupKey": "{}:{}", "truncatedAlerts": 0,
        "title": "[FIRING:1] High load", "state": "alerting",
        "message": "**Firing**\n\nLabels:\n - alertname = High load\n"
    })
}

/// A push, as Gitea sends it.
fn gitea() -> Value {
    json!({
        "ref": "refs/heads/develop", "before": "28e1", "after": "bffeb74224043ba2feb48d137756c8a9331c449a",
        "compare_url": "https://git.example/gitea/webhooks/compare/28e1...bffe",
        "commits": [{
            "id": "bffeb74224043ba2feb48d137756c8a9331c449a", "message": "Webhooks Yay!\n\nAt last.\n",
            "url": "https://git.example/gitea/webhooks/commit/bffe",
            "author": { "name": "Gitea", "email": "someone@gitea.example", "username": "gitea" },
            "timestamp": "2026-03-13T13:52:11-04:00"
        }],
        "repository": { "id": 140, "name": "webhooks", "full_name": "gitea/webhooks", "private": false },
        "pusher": { "id": 1, "login": "gitea", "full_name": "Gitea" },
        "sender": { "id": 1, "login": "gitea", "full_name": "Gitea" }
    })
}

#[test]
fn programs_that_are_known_are_understood() {
    let server = Server::start();
    let (mut ann, path) = garden(&server);
    let mut said = |body: &Value| heard(&server, &mut ann, &path, body);
    assert_eq!(
        said(&alertmanager()),
        [
            "[FIRING] DiskFull: Less than 5 % free (instance=db1:9100, severity=page)",
            "[RESOLVED] DiskFull: Less than 5 % free (instance=db2:9100, severity=page)"
        ]
    );
    let expected = ["[FIRING:1] High load", "**Firing**", "Labels:", " - alertname = High load"];
    assert_eq!(said(&grafana()), expected);
    assert_eq!(
        said(&gitea()),
        [
            "[gitea/webhooks] gitea pushed 1 commits to develop: https://git.example/gitea/webhooks/compare/28e1...bffe",
            "bffeb74224 Webhooks Yay! (Gitea)"
        ]
    );
    let issue = json!({
        "action": "opened", "number": 7, "sender": { "login": "ann" }, "repository": { "full_name": "garden/roses" },
        "issue": { "title": "Aphids", "html_url": "https://git.example/garden/roses/issues/7" }
    });
    assert_eq!(said(&issue), ["[garden/roses] ann opened issue Aphids: https://git.example/garden/roses/issues/7"]);
    let kuma = json!({ "heartbeat": { "status": 0 }, "monitor": { "name": "www" }, "msg": "[www] [Down] timeout" });
    assert_eq!(said(&kuma), ["[www] [Down] timeout"]);
    let slack = json!({ "channel": "#ops", "username": "bot", "text": "see <https://ci.example/1|build 1>" });
    assert_eq!(said(&slack), ["see build 1 (https://ci.example/1)"]);
}

#[test]
fn curl_says_text_and_many_lines_are_many_messages() {
    let server = Server::start();
    let (mut ann, path) = garden(&server);
    let url = format!("https://localhost:{}{path}", server.address().port());
    let mut curl = Command::new("curl");
    curl.args(["-sS", "--cacert", server.ca().to_str().unwrap(), "-d", "disk full\non den", &url]);
    let output = curl.output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "ok", "{}", String::from_utf8_lossy(&output.stderr));
    let texts: Vec<Value> = (0..2).map(|_| ann.event_of("message")["text"].clone()).collect();
    assert_eq!(texts, ["disk full", "on den"]);
    // It is a message like others: in the history, unread, and removed by a moderator.
    ann.send("/backlog #garden");
    let page = ann.event_of("backlog");
    assert_eq!((&page["entries"][1]["bot"], &page["entries"][1]["text"]), (&json!(true), &json!("on den")));
    ann.send("/remove garden 1");
    assert_eq!(ann.event_of("ok")["command"], "remove");
    ann.send("/edit garden 2 mine");
    assert_eq!(ann.event_of("error")["code"], "no-such-message");
    let mut bob = server.register("bob");
    assert_eq!(bob.ask("/join garden"), "OK join garden 2");
    assert_eq!(
        bob.list("/history", "OK history"),
        ["OLD garden 1 ops (removed)", "OLD garden 2 ops on den", "OK history garden 2"]
    );
}

#[test]
fn who_has_the_name_of_a_bot_hears_it_all_the_same() {
    let server = Server::start();
    let (mut ann, path) = garden(&server);
    let mut ops = server.register("ops");
    assert_eq!(ops.ask("/open garden"), "OK open garden 2");
    assert_eq!(post(&server, &path, "hello").0, 200);
    assert_eq!(ops.line(), "MSG garden ops hello");
    assert_eq!(ann.event_of("message")["bot"], true);
    ops.send("/say garden I am no bot");
    let said = ann.event_of("message");
    assert_eq!((&said["from"], &said["bot"]), (&json!("ops"), &Value::Null));
}

#[test]
fn what_is_wrong_is_told_and_nothing_is_said() {
    let server = Server::start();
    let (mut ann, path) = garden(&server);
    for (body, status) in
        [("", 400), ("{}", 400), (r#"{"alerts": []}"#, 400), (&*"x".repeat(4097), 413), (&*"x\n".repeat(51), 413)]
    {
        let (found, why) = post(&server, &path, body);
        assert_eq!(found, status, "{why}");
        assert!(why.len() > 20, "{why}");
    }
    assert_eq!(post(&server, &path, &"x".repeat(256 * 1024 + 1)).0, 413);
    for other in ["/hooks/", "/hooks/garden", "/hooks/garden.plh_00", "/hooks/red.plh_00", &path[..path.len() - 1]] {
        assert_eq!(post(&server, other, "hello").0, 404, "{other}");
    }
    let mut http = Http::open(server.address(), &server.ca());
    assert_eq!(http.ask("GET", &path, "", "").status, 405);
    ann.send("/hooks garden");
    let id = ann.event_of("hooks")["hooks"][0]["id"].as_str().unwrap().to_owned();
    ann.send(&format!("/unhook garden {id}"));
    assert_eq!(ann.event_of("ok")["command"], "unhook");
    assert_eq!(post(&server, &path, "hello").0, 404);
    ann.send("/backlog #garden");
    assert_eq!(ann.event_of("backlog")["entries"], json!([]));
    assert!(!server.log().contains("plh_"));
}

#[test]
fn a_hook_that_floods_has_to_wait() {
    let server = Server::start();
    let (mut ann, path) = garden(&server);
    let lines = "x\n".repeat(40);
    assert_eq!(post(&server, &path, &lines).0, 200);
    let mut http = Http::open(server.address(), &server.ca());
    let response = http.ask("POST", &path, "", &lines);
    assert_eq!(response.status, 429);
    let wait: u64 = response.field("retry-after").unwrap().parse().unwrap();
    assert!((1..=20).contains(&wait), "{wait}");
    // Others are not held up by it.
    let other = {
        ann.send("/format text");
        while ann.line() != "OK format text" {}
        hook(&mut ann, "ci")
    };
    assert_eq!(post(&server, &other, "hello").0, 200);
}

#[test]
fn hooks_survive_a_restart_and_are_in_no_file() {
    let server = Options::default().start();
    let (ann, path) = garden(&server);
    drop(ann);
    let server = server.restart_on_same_port();
    assert_eq!(post(&server, &path, "after").0, 200);
    let digits = path.rsplit_once("plh_").unwrap().1;
    for entry in std::fs::read_dir(server.data()).unwrap() {
        let file = entry.unwrap().path();
        let bytes = if file.is_file() { std::fs::read(&file).unwrap() } else { continue };
        assert!(!bytes.windows(digits.len()).any(|window| window == digits.as_bytes()), "{}", file.display());
    }
}
