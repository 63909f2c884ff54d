//! `parlor user add --file`: the file of people. It must not make an account.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use anyhow::{Context, bail};
use parlor_core::ports::Role;
use parlor_proto::{INVITATION_ROOMS_MAX, RoomName, UserName};

/// A person in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person {
    /// The line in which it stands, from 1.
    pub(super) line: u64,
    pub(super) user: UserName,
    pub(super) role: Role,
    pub(super) rooms: Vec<RoomName>,
}

/// Reads a file of people; `-` is standard input.
///
/// # Errors
/// Names the line, and what is wrong in it.
pub(super) fn read(file: &Path) -> anyhow::Result<Vec<Person>> {
    let input: Box<dyn Read> = match file.as_os_str() == "-" {
        true => Box::new(io::stdin()),
        false => Box::new(File::open(file).with_context(|| format!("cannot open {}", file.display()))?),
    };
    parse(input).with_context(|| file.display().to_string())
}

/// Reads lines of `name[,role[,rooms]]`; a first line that begins with `name` is a heading.
fn parse(input: impl Read) -> anyhow::Result<Vec<Person>> {
    let (mut people, mut names) = (Vec::new(), BTreeSet::new());
    for (line, text) in (1..).zip(BufReader::new(input).lines()) {
        let text = text?;
        let record = fields(&text).with_context(|| format!("line {line}"))?;
        let Some(record) = record.filter(|record| line > 1 || record.get(0).is_none_or(|first| first != "name")) else {
            continue;
        };
        let person = person(line, &record).with_context(|| format!("line {line}"))?;
        if !names.insert(person.user.clone()) {
            bail!("line {line}: {} stands there twice", person.user);
        }
        people.push(person);
    }
    if people.is_empty() { bail!("there is nobody in it") } else { Ok(people) }
}

/// The fields of a line; none if it is blank or a comment. Each line is read by itself, so that errors name it.
fn fields(text: &str) -> Result<Option<csv::StringRecord>, csv::Error> {
    if text.trim().is_empty() || text.trim_start().starts_with('#') {
        return Ok(None);
    }
    let mut reader = csv::ReaderBuilder::new();
    let reader = reader.has_headers(false).flexible(true).trim(csv::Trim::All);
    reader.from_reader(text.as_bytes()).records().next().transpose()
}

fn person(line: u64, record: &csv::StringRecord) -> anyhow::Result<Person> {
    let field = |at: usize| record.get(at).unwrap_or_default();
    if record.len() > 3 {
        bail!("a line has a name, and perhaps a role and rooms; rooms are separated by spaces");
    }
    let user: UserName = field(0).parse().with_context(|| format!("{:?} is no name of a user", field(0)))?;
    if user == UserName::erased() {
        bail!("the name {user} is that of users who were erased");
    }
    let role = match field(1) {
        "" | "member" => Role::Member,
        "operator" => Role::Operator,
        other => bail!("{other:?} is no role; there are member and operator"),
    };
    let room = |name: &str| name.parse().with_context(|| format!("{name:?} is no name of a room"));
    let rooms: Vec<RoomName> = field(2).split_whitespace().map(room).collect::<anyhow::Result<_>>()?;
    if rooms.len() > INVITATION_ROOMS_MAX {
        bail!("at most {INVITATION_ROOMS_MAX} rooms");
    }
    Ok(Person { line, user, role, rooms })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(u64, String, Role, usize)>, String> {
        let people = parse(text.as_bytes()).map_err(|error| format!("{error:#}"))?;
        Ok(people.into_iter().map(|it| (it.line, it.user.to_string(), it.role, it.rooms.len())).collect())
    }

    #[test]
    fn a_line_has_a_name_a_role_and_rooms() {
        let text =
            "name,role,rooms\n# the team\nAlice\nbob, operator ,\n\ncyd,,garden kitchen\n\"dan\",member,\"red\"\n";
        let expected = [
            (3, "alice".to_owned(), Role::Member, 0),
            (4, "bob".to_owned(), Role::Operator, 0),
            (6, "cyd".to_owned(), Role::Member, 2),
            (7, "dan".to_owned(), Role::Member, 1),
        ];
        assert_eq!(read(text).unwrap(), expected);
        assert_eq!(read("ann").unwrap().len(), 1);
    }

    #[test]
    fn an_error_names_its_line() {
        for (text, why) in [
            ("ann\nb!b", "line 2: \"b!b\" is no name of a user"),
            ("ann\nbob,king", "line 2: \"king\" is no role"),
            ("ann,,red r!d", "line 1: \"r!d\" is no name of a room"),
            ("erased", "line 1: the name erased is that of users who were erased"),
            ("ann,,red,blue", "line 1: a line has a name"),
            ("ann\n\nANN", "line 3: ann stands there twice"),
            ("name\n", "there is nobody in it"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
