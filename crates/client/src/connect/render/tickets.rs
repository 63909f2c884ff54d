//! Lines about tickets. It must not paint them; the renderer does.

use parlor_proto::{Reply, TicketInfo, Tickets, Timestamp};

/// The reply to `/ticket` and `/revoke`; `None` for every other one.
pub(super) fn reply_text(reply: &Reply, when: &dyn Fn(Timestamp) -> String) -> Option<String> {
    Some(match reply {
        Reply::Ticket { ticket, id, expires } => {
            let end = expires.map_or_else(String::new, |time| format!(", valid until {}", when(time)));
            format!("your ticket {id} is {}{end}; nobody can show it again", ticket.expose())
        }
        Reply::Revoke { id: Tickets::One(id), .. } => format!("the ticket {id} is void"),
        Reply::Revoke { id: Tickets::All, count } => format!("your tickets are void: {count}"),
        _ => return None,
    })
}

/// One line for each ticket.
pub(super) fn list_text(tickets: &[TicketInfo], when: &dyn Fn(Timestamp) -> String) -> String {
    let mut text = format!("your tickets: {}", tickets.len());
    for TicketInfo { id, label, made, used, address, .. } in tickets {
        let used = used.map_or_else(|| format!("made {}", when(*made)), |used| format!("used {}", when(used)));
        let address = address.as_deref().map_or_else(String::new, |address| format!(" from {address}"));
        text.push_str(format!("\n    {id}  {used}{address}  {label}").trim_end());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use parlor_proto::{TicketId, TicketSecret};

    fn when(time: Timestamp) -> String {
        format!("at {}", time.as_millis())
    }

    #[test]
    fn a_ticket_is_shown_once_and_then_by_its_number() {
        let (ticket, id) = (TicketSecret::of_random(&[7]), TicketId(0xab));
        let made = Reply::Ticket { ticket: ticket.clone(), id, expires: Some(Timestamp::from_millis(9)) };
        let text = "your ticket 000000ab is plt_07, valid until at 9; nobody can show it again";
        assert_eq!(reply_text(&made, &when).as_deref(), Some(text));
        let endless = reply_text(&Reply::Ticket { ticket, id, expires: None }, &when);
        assert_eq!(endless.as_deref(), Some("your ticket 000000ab is plt_07; nobody can show it again"));
        let one = reply_text(&Reply::Revoke { id: Tickets::One(id), count: 1 }, &when);
        assert_eq!(one.as_deref(), Some("the ticket 000000ab is void"));
        let all = reply_text(&Reply::Revoke { id: Tickets::All, count: 3 }, &when);
        assert_eq!(all.as_deref(), Some("your tickets are void: 3"));
        assert_eq!(reply_text(&Reply::Passwd, &when), None);
    }

    #[test]
    fn a_list_says_when_and_from_where_each_was_used() {
        let unused = TicketInfo {
            id: TicketId(1),
            label: String::new().into(),
            made: Timestamp::from_millis(5),
            used: None,
            address: None,
            expires: None,
        };
        let used = TicketInfo {
            id: TicketId(2),
            label: "my laptop".to_owned().into(),
            used: Some(Timestamp::from_millis(6)),
            address: Some("192.0.2.7".to_owned()),
            ..unused.clone()
        };
        let expected = "your tickets: 2\n    00000001  made at 5\n    00000002  used at 6 from 192.0.2.7  my laptop";
        assert_eq!(list_text(&[unused, used], &when), expected);
        assert_eq!(list_text(&[], &when), "your tickets: 0");
    }
}
