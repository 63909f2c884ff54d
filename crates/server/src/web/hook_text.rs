//! What a program posts, as lines of text: plain text, the JSON that Slack made common, and the JSON of Alertmanager, Grafana,
//! Gitea and Uptime Kuma. It must not say it.

use std::fmt;

use parlor_proto::Text;
use serde_json::Value;

/// The body that is expected, for whoever sends another.
const USAGE: &str = r#"send {"text": "..."} as JSON, or the text itself"#;

/// Lines of one report, at most.
const MAX_LINES: usize = 50;

/// Alerts and commits that are shown one by one.
const MAX_ITEMS: usize = 20;

/// Digits of a commit that are shown.
const SHORT_COMMIT: usize = 10;

/// Why a body cannot be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TextError {
    /// It has no text.
    NoText,
    /// A line has more than this many bytes.
    TooLong(usize),
    /// It has more than this many lines.
    TooMany(usize),
}

impl fmt::Display for TextError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoText => write!(out, "there is no text; {USAGE}"),
            Self::TooLong(max) => write!(out, "a line has at most {max} bytes"),
            Self::TooMany(max) => write!(out, "a report has at most {max} lines"),
        }
    }
}

/// Reads a body. `max` is the maximum length of a line in bytes.
///
/// # Errors
/// See [`TextError`].
pub(super) fn read(body: &[u8], max: usize) -> Result<Vec<Text>, TextError> {
    let text = std::str::from_utf8(body).map_err(|_| TextError::NoText)?;
    let said = match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(fields)) => of_json(&Value::Object(fields)).ok_or(TextError::NoText)?,
        _ => match text.strip_prefix("payload=").and_then(form_value) {
            Some(json) => serde_json::from_str(&json).ok().as_ref().and_then(of_json).ok_or(TextError::NoText)?,
            None => text.to_owned(),
        },
    };
    let lines: Vec<Text> = said.lines().filter(|line| !line.trim().is_empty()).filter_map(Text::sanitise).collect();
    if lines.is_empty() {
        return Err(TextError::NoText);
    }
    if lines.iter().any(|line| line.as_str().len() > max) {
        return Err(TextError::TooLong(max));
    }
    if lines.len() > MAX_LINES { Err(TextError::TooMany(MAX_LINES)) } else { Ok(lines) }
}

/// The text in the JSON of a program that is known.
fn of_json(json: &Value) -> Option<String> {
    // Grafana sends the alerts, too, but has a text ready.
    let message = || [word(json, "/title"), word(json, "/message")];
    let ready = word(json, "/message").map(|_| message().into_iter().flatten().collect::<Vec<_>>().join("\n"));
    slack(json)
        .or(ready)
        .or_else(|| alertmanager(json))
        .or_else(|| gitea(json))
        .or_else(|| word(json, "/msg").map(str::to_owned))
}

fn word<'a>(json: &'a Value, pointer: &str) -> Option<&'a str> {
    json.pointer(pointer)?.as_str().filter(|text| !text.trim().is_empty())
}

fn items<'a>(json: &'a Value, pointer: &str) -> &'a [Value] {
    json.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// `text`, and the texts of `attachments`.
fn slack(json: &Value) -> Option<String> {
    let attached = items(json, "/attachments").iter().flat_map(|attached| {
        let shown = ["/pretext", "/title", "/text"].map(|field| word(attached, field));
        let fallback = word(attached, "/fallback").filter(|_| shown.iter().all(Option::is_none));
        shown.into_iter().flatten().chain(fallback)
    });
    let texts: Vec<String> = word(json, "/text").into_iter().chain(attached).map(without_markup).collect();
    (!texts.is_empty()).then(|| texts.join("\n"))
}

/// A text of Slack: `<address|words>` is a link, and three characters are escaped.
fn without_markup(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, marked)) = rest.split_once('<') {
        let Some((link, after)) = marked.split_once('>') else { break };
        plain.push_str(before);
        match link.split_once('|') {
            Some((address, words)) if address != words => plain.push_str(&format!("{words} ({address})")),
            _ => plain.push_str(link.split('|').next().unwrap_or(link)),
        }
        rest = after;
    }
    plain.push_str(rest);
    plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// `alerts`: one line each, with what it is about.
fn alertmanager(json: &Value) -> Option<String> {
    let alerts = items(json, "/alerts");
    let lines = alerts.iter().take(MAX_ITEMS).map(alert);
    let more = alerts.len().saturating_sub(MAX_ITEMS);
    let more = (more > 0).then(|| format!("and {more} more alerts"));
    let lines: Vec<String> = lines.chain(more).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn alert(alert: &Value) -> String {
    let status = word(alert, "/status").unwrap_or("firing").to_uppercase();
    let name = word(alert, "/labels/alertname").unwrap_or("alert");
    let about = ["/annotations/summary", "/annotations/description", "/annotations/message"];
    let about = about.into_iter().find_map(|field| word(alert, field)).map(|about| format!(": {about}"));
    let whence = ["instance", "severity"]
        .into_iter()
        .filter_map(|label| Some(format!("{label}={}", word(alert, &format!("/labels/{label}"))?)));
    let whence: Vec<String> = whence.collect();
    let whence = if whence.is_empty() { String::new() } else { format!(" ({})", whence.join(", ")) };
    // One alert is one line.
    format!("[{status}] {name}{}{whence}", about.unwrap_or_default()).replace(['\n', '\r'], " ")
}

/// A push with its commits; or what was done to an issue or a pull request.
fn gitea(json: &Value) -> Option<String> {
    let repository = word(json, "/repository/full_name")?;
    let person = ["/pusher/login", "/sender/login", "/pusher/username", "/sender/username"];
    let person = person.into_iter().find_map(|field| word(json, field)).unwrap_or("somebody");
    if let (Some(to), commits @ [_, ..]) = (word(json, "/ref"), items(json, "/commits")) {
        let branch = to.strip_prefix("refs/heads/").unwrap_or(to);
        let address = word(json, "/compare_url").map(|address| format!(": {address}")).unwrap_or_default();
        let head = format!("[{repository}] {person} pushed {} commits to {branch}{address}", commits.len());
        let lines: Vec<String> = std::iter::once(head).chain(commits.iter().take(MAX_ITEMS).map(commit)).collect();
        return Some(lines.join("\n"));
    }
    let action = word(json, "/action")?;
    let (what, about) = ["pull_request", "issue", "release"]
        .into_iter()
        .find_map(|what| Some((what.replace('_', " "), json.get(what)?)))?;
    let title = ["/title", "/name"].into_iter().find_map(|field| word(about, field)).unwrap_or_default();
    let address = word(about, "/html_url").map(|address| format!(": {address}")).unwrap_or_default();
    Some(format!("[{repository}] {person} {action} {what} {title}{address}"))
}

fn commit(commit: &Value) -> String {
    let id: String = word(commit, "/id").unwrap_or_default().chars().take(SHORT_COMMIT).collect();
    let first = word(commit, "/message").and_then(|message| message.lines().next()).unwrap_or_default();
    let author = word(commit, "/author/name").map(|author| format!(" ({author})")).unwrap_or_default();
    format!("{id} {first}{author}")
}

/// A value of a form: `+` is a space, and `%41` a byte. None if it is no UTF-8.
fn form_value(value: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(body: &str) -> Vec<String> {
        read(body.as_bytes(), 4000).unwrap().iter().map(|line| line.as_str().to_owned()).collect()
    }

    #[test]
    fn text_is_said_as_it_is_line_by_line() {
        assert_eq!(lines("disk full\n\n  on \u{7}den\r\n"), ["disk full", "  on den"]);
        // Some programs send a text that is JSON, but no object.
        assert_eq!(lines("42"), ["42"]);
        assert_eq!(lines("[x]"), ["[x]"]);
    }

    #[test]
    fn slack_has_a_text_attachments_and_links() {
        assert_eq!(lines(r#"{"text": "one\ntwo", "username": "ci"}"#), ["one", "two"]);
        let text = "see <https://ci.example/1|build 1> &amp; <https://ci.example> a &lt; b <";
        let body = serde_json::json!({ "text": text, "attachments": [{ "title": "failed", "text": "in 3 s" }] });
        let expected = ["see build 1 (https://ci.example) & https://ci.example a < b <", "failed", "in 3 s"];
        assert_eq!(lines(&body.to_string()), expected.map(|line| line.replace("example) &", "example/1) &")));
        assert_eq!(lines(r#"{"attachments": [{"fallback": "only this", "color": "red"}]}"#), ["only this"]);
        assert_eq!(lines("payload=%7B%22text%22%3A%22a+b%22%7D"), ["a b"]);
        assert_eq!(lines("payload=%zz"), ["payload=%zz"]);
    }

    #[test]
    fn what_cannot_be_said() {
        for body in ["", " \n", "{}", r#"{"text": ""}"#, r#"{"alerts": []}"#, "payload=%7B%7D"] {
            assert_eq!(read(body.as_bytes(), 4000), Err(TextError::NoText), "{body}");
        }
        assert_eq!(read(b"\xff", 4000), Err(TextError::NoText));
        assert_eq!(read(b"12345", 4), Err(TextError::TooLong(4)));
        assert_eq!(read("x\n".repeat(51).as_bytes(), 4), Err(TextError::TooMany(50)));
    }
}
