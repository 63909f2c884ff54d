//! The answers to enters, and who sees a room.

use ::redis::Value;
use parlor_core::rights::Holder;

use super::*;

fn entered(answer: i64, detail: u64) -> StoreResult<EnterResult> {
    read_enter(Some(Ok(Value::Array(vec![Value::Int(answer), Value::BulkString(detail.to_string().into())]))))
}

#[test]
fn an_answer_to_an_enter_says_how_many_are_inside_or_why_nobody_entered() {
    assert_eq!(entered(3, 77), Ok(EnterResult::Member { members: 3, version: 77 }));
    assert_eq!(entered(0, 77), Ok(EnterResult::Member { members: 0, version: 77 }));
    assert_eq!(entered(-1, 0), Ok(EnterResult::Fenced));
    assert_eq!(entered(-3, 0), Ok(EnterResult::Denied(Denial::Banned(None))));
    let until = Timestamp::from_millis(1_795_379_498_719);
    assert_eq!(entered(-3, 1_795_379_498_719), Ok(EnterResult::Denied(Denial::Banned(Some(until)))));
    assert_eq!(entered(-4, 0), Ok(EnterResult::Denied(Denial::NotInRoom)));
    assert_eq!(entered(-5, 0), Ok(EnterResult::Denied(Denial::InviteOnly)));
    // That it is too late is nobody's fault: it can be tried again.
    assert_eq!(entered(-2, 0).unwrap_err().to_string(), "an enter came too late");
    assert_eq!(read_enter(None).unwrap_err().to_string(), "no reply");
}

#[test]
fn only_what_the_rights_deny_ends_a_membership_that_is_restored() {
    let denied: Vec<i64> = (-6..=1).filter(|answer| is_denied(*answer)).collect();
    assert_eq!(denied, [PRIVATE, REMOVED, BANNED]);
}

#[test]
fn a_private_room_exists_for_those_inside_those_with_a_grant_and_operators() {
    let see = |mode: Option<&str>, seat: Option<&str>, grant: Option<&str>, is_operator: bool| {
        let text = |text: Option<&str>| text.map_or(Value::Nil, |text| Value::BulkString(text.into()));
        let holder = Holder { user: "ann".parse().unwrap(), account: Timestamp::from_millis(1) };
        let reply = Value::Array([mode, seat, grant].map(text).into());
        is_visible(Ok(reply), &Person { holder, is_operator }).unwrap()
    };
    for public in [None, Some("-"), Some("-m")] {
        assert!(see(public, None, None, false), "{public:?}");
    }
    for private in [Some("-p"), Some("-pm")] {
        assert!(!see(private, None, None, false), "{private:?}");
        assert!(see(private, Some("9 1 1 den"), None, false) && see(private, None, Some("i"), false));
        assert!(see(private, None, None, true));
    }
    let nobody = Person {
        holder: Holder { user: "ann".parse().unwrap(), account: Timestamp::from_millis(1) },
        is_operator: true,
    };
    assert!(is_visible(Err(StoreError::new("the link broke")), &nobody).is_err(), "it may be private");
}

#[test]
fn names_are_sorted_and_what_is_no_name_is_left_out() {
    let names = ["bob", "ann-2", "", "a b", "ann", "Ann", "zoe"].map(str::to_owned);
    let sorted: Vec<String> = sorted(&names).into_iter().map(String::from).collect();
    assert_eq!(sorted, ["ann", "ann", "ann-2", "bob", "zoe"]);
}
