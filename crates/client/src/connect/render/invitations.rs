//! Lines about invitations. It must not paint them; the renderer does.

use parlor_proto::{InvitationInfo, Reply, RoomName, Timestamp, UserName};

/// The reply to `/invitation` and `/uninvite`; `None` for every other one.
pub(super) fn reply_text(reply: &Reply, when: &dyn Fn(Timestamp) -> String) -> Option<String> {
    Some(match reply {
        Reply::Invitation { code, id, expires, .. } => format!(
            "the invitation {id} is {}, valid until {}; nobody can show it again\n    in a browser: the address of the \
             page and #invite={0}\n    otherwise: INVITE {0}, then REGISTER",
            code.expose(),
            when(*expires)
        ),
        Reply::Uninvite { id } => format!("the invitation {id} is void"),
        _ => return None,
    })
}

/// One line for each invitation.
pub(super) fn list_text(invitations: &[InvitationInfo], when: &dyn Fn(Timestamp) -> String) -> String {
    let mut text = format!("invitations: {}", invitations.len());
    for InvitationInfo { id, by, expires, uses, used, rooms, operator, .. } in invitations {
        let users = words(used.iter().map(UserName::as_str), ", used by ");
        let rooms = words(rooms.iter().map(RoomName::as_str), ", to ");
        let who = if *operator { ", makes operators" } else { "" };
        let (count, end) = (used.len(), when(*expires));
        text.push_str(&format!("\n    {id}  {count} of {uses} used, until {end}, by {by}{rooms}{who}{users}"));
    }
    text
}

fn words<'a>(words: impl Iterator<Item = &'a str>, before: &str) -> String {
    let words: Vec<&str> = words.collect();
    if words.is_empty() { String::new() } else { format!("{before}{}", words.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use parlor_proto::{InvitationCode, InvitationId};

    fn when(time: Timestamp) -> String {
        format!("at {}", time.as_millis())
    }

    #[test]
    fn an_invitation_is_shown_once_and_then_by_its_number() {
        let (code, id, expires) = (InvitationCode::of_random(&[7]), InvitationId(0xab), Timestamp::from_millis(9));
        let made = reply_text(&Reply::Invitation { code, id, uses: 1, rooms: vec![], expires }, &when).unwrap();
        assert!(made.starts_with("the invitation 000000ab is pli_07, valid until at 9; "), "{made}");
        assert!(made.contains("#invite=pli_07") && made.contains("INVITE pli_07"), "{made}");
        assert_eq!(reply_text(&Reply::Uninvite { id }, &when).as_deref(), Some("the invitation 000000ab is void"));
        assert_eq!(reply_text(&Reply::Passwd, &when), None);
    }

    #[test]
    fn a_list_says_who_used_each() {
        let (expires, made) = (Timestamp::from_millis(9), Timestamp::from_millis(5));
        let (id, by, rooms) = (InvitationId(1), "root".parse().unwrap(), vec![]);
        let unused = InvitationInfo { id, by, made, expires, uses: 1, used: vec![], rooms, operator: true };
        let used = vec!["ann".parse().unwrap(), "bob".parse().unwrap()];
        let rooms = vec!["red".parse().unwrap()];
        let other = InvitationInfo { uses: 2, used, rooms, operator: false, ..unused.clone() };
        let expected = "invitations: 2\n    00000001  0 of 1 used, until at 9, by root, makes operators\n    00000001  2 of 2 \
                        used, until at 9, by root, to red, used by ann, bob";
        assert_eq!(list_text(&[unused, other], &when), expected);
    }
}
