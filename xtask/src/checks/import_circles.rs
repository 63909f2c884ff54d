//! No circle of imports has more than two files: a reader of one file must not have to read all. A re-export counts as
//! an import of the file that defines the name. It must not check tests, nor imports of a module's own parts.

use std::collections::{BTreeMap, BTreeSet};

use super::Report;
use crate::paths::{paths, re_exports};
use crate::tree::{Rust, Tree};

/// Two files may be the halves of one thing.
const LARGEST: usize = 2;
/// How many re-exports in a chain are followed.
const DEPTH: usize = 5;

/// The modules of one crate, by their paths from its root.
struct Crate<'a> {
    modules: BTreeMap<Vec<String>, (&'a str, &'a Rust)>,
}

pub(super) fn check(tree: &Tree, report: &mut Report) {
    let mut crates: BTreeMap<&str, Crate<'_>> = BTreeMap::new();
    for (file, rust) in tree.rust() {
        if let Some((directory, module)) = module_of(&file.path) {
            let known = crates.entry(directory).or_insert_with(|| Crate { modules: BTreeMap::new() });
            known.modules.insert(module, (&file.path, rust));
        }
    }
    for known in crates.values() {
        for circle in known.circles() {
            let first = known.modules[circle[0]].0;
            let names: Vec<&str> = circle.iter().map(|module| known.modules[*module].0).collect();
            report.problem_of_file(first, format!("a circle of imports: {}", names.join(", ")));
        }
    }
}

/// The crate's directory, and the path of the module in it. `None` for tests and for separate programs.
fn module_of(path: &str) -> Option<(&str, Vec<String>)> {
    let (directory, rest) = path.split_once("/src/")?;
    let mut module: Vec<String> = rest.strip_suffix(".rs")?.split('/').map(str::to_owned).collect();
    let last = module.last()?.as_str();
    if last == "tests" || last == "main" {
        return None;
    }
    if last == "mod" || last == "lib" {
        module.pop();
    }
    Some((directory, module))
}

impl Crate<'_> {
    /// Circles that are too large, each with its files in order.
    fn circles(&self) -> Vec<Vec<&Vec<String>>> {
        let imports: BTreeMap<_, _> = self.modules.keys().map(|module| (module, self.imports(module))).collect();
        let reached: BTreeMap<_, _> = self.modules.keys().map(|module| (module, reach(module, &imports))).collect();
        let circles: BTreeSet<Vec<&Vec<String>>> = self
            .modules
            .keys()
            .map(|module| {
                let is_in = |other: &&Vec<String>| reached[module].contains(*other) && reached[*other].contains(module);
                self.modules.keys().filter(is_in).collect()
            })
            .collect();
        circles.into_iter().filter(|circle| circle.len() > LARGEST).collect()
    }

    /// The modules that `module` names outside of its tests, except for its own parts.
    fn imports(&self, module: &[String]) -> BTreeSet<Vec<String>> {
        let rust = self.modules[module].1;
        let named = paths(rust).into_iter().filter(|(line, _)| !rust.is_test(*line));
        let absolute = named.filter_map(|(_, path)| self.absolute(module, &path));
        let resolved = absolute.filter_map(|path| self.resolve(&path, DEPTH));
        resolved.filter(|other| !other.starts_with(module)).collect()
    }

    /// A path from the root of the crate. `None` if it leads outside the crate.
    fn absolute(&self, module: &[String], path: &str) -> Option<Vec<String>> {
        let mut parts: Vec<String> = path.split("::").map(str::to_owned).collect();
        let mut base = module.to_vec();
        match parts[0].as_str() {
            "crate" => return Some(parts.split_off(1)),
            "self" => drop(parts.remove(0)),
            "super" => {
                while parts.first().is_some_and(|part| part == "super") {
                    base.pop()?;
                    parts.remove(0);
                }
            }
            _ => {
                base.push(parts.remove(0));
                self.modules.get(&base)?;
            }
        }
        Some([base, parts].concat())
    }

    /// The module that defines the item at `path`.
    fn resolve(&self, path: &[String], depth: usize) -> Option<Vec<String>> {
        let length = (0..=path.len()).rev().find(|length| self.modules.contains_key(&path[..*length]))?;
        let (module, rest) = path.split_at(length);
        let name = rest.first().filter(|_| depth > 0);
        let behind = name.and_then(|name| {
            let shown = re_exports(self.modules[module].1);
            let path = shown.into_iter().find(|shown| shown.rsplit("::").next() == Some(name))?;
            self.resolve(&self.absolute(module, &path)?, depth - 1)
        });
        Some(behind.unwrap_or_else(|| module.to_vec()))
    }
}

/// All modules that can be reached from a module through imports.
fn reach(from: &[String], imports: &BTreeMap<&Vec<String>, BTreeSet<Vec<String>>>) -> BTreeSet<Vec<String>> {
    let mut reached = BTreeSet::new();
    let mut next = vec![from.to_vec()];
    while let Some(module) = next.pop() {
        for other in imports.get(&module).into_iter().flatten() {
            if reached.insert(other.clone()) {
                next.push(other.clone());
            }
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::super::problems;
    use super::*;

    fn found(files: &[(&str, &str)]) -> usize {
        problems(check, files).len()
    }

    const A: (&str, &str) = ("crates/x/src/a.rs", "use crate::b::B;\n");
    const B: (&str, &str) = ("crates/x/src/b.rs", "use super::c::{self, C};\n");

    #[test]
    fn a_circle_of_three_is_found_and_one_of_two_is_not() {
        assert_eq!(found(&[A, B, ("crates/x/src/c.rs", "use crate::a::A;\n")]), 1);
        assert_eq!(found(&[A, B, ("crates/x/src/c.rs", "fn f() { crate::a::g() }\n")]), 1);
        assert_eq!(found(&[A, B, ("crates/x/src/c.rs", "use std::fmt;\n")]), 0);
        assert_eq!(found(&[A, ("crates/x/src/b.rs", "use crate::a::A;\n")]), 0);
    }

    #[test]
    fn a_circle_behind_a_re_export_is_found() {
        let module = ("crates/x/src/m/mod.rs", "mod c;\npub use c::{C, D};\n");
        let c = ("crates/x/src/m/c.rs", "use crate::a::A;\n");
        assert_eq!(found(&[A, ("crates/x/src/b.rs", "use crate::m::C;\n"), module, c]), 1);
        assert_eq!(found(&[A, ("crates/x/src/b.rs", "use crate::m::other;\n"), module, c]), 0);
    }

    #[test]
    fn tests_and_the_parts_of_a_module_do_not_count() {
        let test = "#[cfg(test)]\nmod tests {\n    use crate::a::A;\n}\n";
        assert_eq!(found(&[A, B, ("crates/x/src/c.rs", test)]), 0);
        let root = ("crates/x/src/lib.rs", "mod a;\nmod b;\nuse a::A;\nuse b::B;\n");
        assert_eq!(
            found(&[root, ("crates/x/src/a.rs", "use crate::Y;\n"), ("crates/x/src/b.rs", "use crate::Y;\n")]),
            0
        );
    }
}
