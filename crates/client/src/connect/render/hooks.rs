//! Lines about hooks. It must not paint them; the renderer does.

use parlor_proto::{HookInfo, Reply, RoomName, Timestamp};

/// The reply to `/hook`, `/outhook` and `/unhook`; `None` for every other one.
pub(super) fn reply_text(reply: &Reply) -> Option<String> {
    Some(match reply {
        Reply::Hook { room, label, id, url } => format!(
            "{label} speaks in {room} by the hook {id}; nobody can show its address again\n    {0}\n    curl -d 'hello' {0}",
            url.expose()
        ),
        Reply::Outhook { room, id, url, secret } => format!(
            "the hook {id} posts what is said in {room} to {url}; nobody can show its secret again\n    {}",
            secret.expose()
        ),
        Reply::Unhook { room, id } => format!("the hook {id} of {room} is void"),
        _ => return None,
    })
}

/// One line for each hook.
pub(super) fn list_text(room: &RoomName, hooks: &[HookInfo], when: &dyn Fn(Timestamp) -> String) -> String {
    let mut text = format!("hooks of {room}: {}", hooks.len());
    for HookInfo { id, label, by, made, url } in hooks {
        let what = url.as_ref().map_or_else(|| label.to_string(), |url| format!("to {url}"));
        text.push_str(&format!("\n    {id}  {what}, made by {by} {}", when(*made)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use parlor_proto::{HookId, HookUrl, OuthookSecret};

    #[test]
    fn the_address_is_shown_once_and_then_the_number() {
        let (room, id): (RoomName, _) = ("red".parse().unwrap(), HookId(0xab));
        let (label, by) = ("ci".parse().unwrap(), "ann".parse().unwrap());
        let url = HookUrl::given("https://chat.example/hooks/red.plh_07");
        let made = reply_text(&Reply::Hook { room: room.clone(), label, id, url }).unwrap();
        assert!(made.contains("curl -d 'hello' https://chat.example/hooks/red.plh_07"), "{made}");
        let gone = reply_text(&Reply::Unhook { room: room.clone(), id });
        assert_eq!(gone.as_deref(), Some("the hook 000000ab of red is void"));
        assert_eq!(reply_text(&Reply::Passwd), None);
        let hook = HookInfo { id, label: "ci".parse().unwrap(), by, made: Timestamp::from_millis(7), url: None };
        let url: parlor_proto::Endpoint = "https://bot.example/in".parse().unwrap();
        let outgoing = HookInfo { url: Some(url.clone()), ..hook.clone() };
        let listed = list_text(&room, &[hook, outgoing], &|time| format!("at {}", time.as_millis()));
        assert_eq!(
            listed,
            "hooks of red: 2\n    000000ab  ci, made by ann at 7\n    000000ab  to https://bot.example/in, made by ann at 7"
        );
        let made = reply_text(&Reply::Outhook { room, id, url, secret: OuthookSecret::given("plo_07") }).unwrap();
        assert!(made.ends_with("can show its secret again\n    plo_07"), "{made}");
    }
}
