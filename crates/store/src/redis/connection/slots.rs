//! Parses which node of a Cluster owns which slot. It must not ask.

use std::collections::HashMap;

use ::redis::Value;
use ::redis::cluster_routing::Slot;
use parlor_core::ports::{StoreError, StoreResult};

use crate::redis::connection::url::Address;

/// The number of slots.
pub(in crate::redis) const ALL: usize = 16_384;

/// The owner of each slot that has one.
pub(in crate::redis) type Assignment = HashMap<Slot, Address>;

/// Parses the answer to `CLUSTER SLOTS` from the node `asked`: ranges with the master first. If a node does not know
/// its own name, `asked` is used.
///
/// # Errors
/// The answer has another format.
pub(in crate::redis) fn read(answer: &Value, asked: &Address) -> StoreResult<Assignment> {
    let strange = || StoreError::new("the Cluster answers nothing that can be understood");
    let Value::Array(ranges) = answer else { return Err(strange()) };
    let mut assignment = Assignment::new();
    for range in ranges {
        let Value::Array(fields) = range else { return Err(strange()) };
        let [Value::Int(first), Value::Int(last), Value::Array(master), ..] = &fields[..] else {
            return Err(strange());
        };
        let owner = address(master, asked).ok_or_else(strange)?;
        for slot in *first..=*last {
            let slot = u16::try_from(slot).ok().and_then(Slot::new).ok_or_else(strange)?;
            assignment.insert(slot, owner.clone());
        }
    }
    Ok(assignment)
}

fn address(node: &[Value], asked: &Address) -> Option<Address> {
    let [host, Value::Int(port), ..] = node else { return None };
    let host: Option<String> = ::redis::from_redis_value_ref(host).ok()?;
    let host = host.filter(|host| !host.is_empty() && host != "?").unwrap_or_else(|| asked.host.clone());
    Some(Address { host, port: u16::try_from(*port).ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(host: &str, port: i64) -> Value {
        Value::Array(vec![Value::BulkString(host.into()), Value::Int(port)])
    }

    #[test]
    fn the_first_of_a_range_owns_it() {
        let asked = Address { host: "a".to_owned(), port: 1 };
        let range =
            |first, last, master| Value::Array(vec![Value::Int(first), Value::Int(last), master, node("replica", 9)]);
        let answer = Value::Array(vec![range(0, 100, node("", 7000)), range(101, 16383, node("b", 7001))]);
        let slots = read(&answer, &asked).unwrap();
        let owner = |slot| slots[&Slot::new(slot).unwrap()].to_string();
        assert_eq!((owner(100), owner(101), slots.len()), ("a:7000".to_owned(), "b:7001".to_owned(), 16384));
        for wrong in [Value::Nil, Value::Array(vec![Value::Int(1)]), Value::Array(vec![range(0, 20000, node("b", 1))])]
        {
            assert!(read(&wrong, &asked).is_err());
        }
    }

    #[test]
    fn a_node_that_does_not_know_its_own_name_is_the_one_that_was_asked() {
        let asked = Address { host: "seed".to_owned(), port: 1 };
        let with_host = |host| {
            Value::Array(vec![Value::Array(vec![
                Value::Int(7),
                Value::Int(7),
                Value::Array(vec![host, Value::Int(7000)]),
            ])])
        };
        let text = |text: &str| Value::BulkString(text.into());
        for (host, owner) in
            [(text("?"), "seed:7000"), (Value::Nil, "seed:7000"), (text("b"), "b:7000"), (text("::1"), "[::1]:7000")]
        {
            let slots = read(&with_host(host), &asked).unwrap();
            assert_eq!(slots[&Slot::new(7).unwrap()].to_string(), owner);
        }
    }

    #[test]
    fn slots_without_an_owner_are_left_out_and_strange_answers_are_refused() {
        let asked = Address { host: "a".to_owned(), port: 1 };
        let range = |first: i64, last: i64, rest: Vec<Value>| {
            Value::Array(vec![Value::Array([vec![Value::Int(first), Value::Int(last)], rest].concat())])
        };
        assert!(read(&Value::Array(Vec::new()), &asked).unwrap().is_empty());
        assert!(read(&range(9, 8, vec![node("b", 1)]), &asked).unwrap().is_empty());
        assert_eq!(read(&range(16_383, 16_383, vec![node("b", 1)]), &asked).unwrap().len(), 1);
        for (first, last, rest) in [
            (0, 16_384, vec![node("b", 1)]),
            (-1, 3, vec![node("b", 1)]),
            (0, 3, vec![]),
            (0, 3, vec![Value::Nil]),
            (0, 3, vec![Value::Array(vec![Value::BulkString("b".into())])]),
            (0, 3, vec![node("b", 65_536)]),
            (0, 3, vec![node("b", -1)]),
        ] {
            assert!(read(&range(first, last, rest.clone()), &asked).is_err(), "{first} {last} {rest:?}");
        }
    }
}
