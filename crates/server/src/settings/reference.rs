//! The table of all settings as a page of documentation. It must not contain anything that the flags do not say.

use std::fmt::Write;

use clap::{Arg, Args, Command};

use super::Settings;

/// Path of the page, from the directory of this crate.
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/settings.md");

const INTRODUCTION: &str = "# Settings of `parlor serve`

Each setting is a flag `--name`, an environment variable, and a key of the same `name` in a TOML file given by
`--config FILE` or `PARLOR_CONFIG`. A flag goes before the environment, the environment before the file, the file
before the default. An unknown key and a bad value are errors: the server says which and does not start. An empty
variable counts as unset. A variable `PARLOR_…` that is not a setting has no effect; the server warns about it.

A list is a repeated flag (`--listen A --listen B`), commas in the environment (`PARLOR_LISTEN=A,B`), and an array in
the file. Times are `500ms`, `10s`, `2m`, `1h` or a bare number of seconds; sizes are bytes or end in `KiB` or `MiB`.
In the file, numbers may stand without quotes.

```toml
listen = [\"0.0.0.0:7878\", \"[::]:7878\"]
data = \"/var/lib/parlor\"
tls-name = [\"chat.example.org\"]
registration = \"closed\"
idle-timeout = \"1h\"
max-connections = 5000
```
";

const FOOT: &str = "
The limits per address, of takeovers and of the line rate spare peers that connect from a loopback address, unless
`limit-loopback` is true. Whoever comes through a balancer (`proxy-from`) is never spared, whatever address the header
says. [Decision 17](decisions/0017-who-may-claim-an-address.md) tells more of the headers.
";

/// Returns the whole page, in the order and under the headings of `parlor serve --help`.
fn page() -> String {
    let command = Settings::augment_args(Command::new("serve"));
    let mut page = String::from(INTRODUCTION);
    let mut heading = None;
    for arg in command.get_arguments() {
        let Some(name) = arg.get_help_heading() else {
            continue;
        };
        if heading != Some(name) {
            heading = Some(name);
            write!(page, "\n## {name}\n\n| setting | environment | default | meaning |\n|---|---|---|---|\n").unwrap();
        }
        page.push_str(&row(arg));
    }
    page + FOOT
}

fn row(arg: &Arg) -> String {
    let help = arg.get_help().unwrap().to_string();
    let (meaning, said) = help
        .split_once(" [default: ")
        .map_or((help.as_str(), None), |(meaning, default)| (meaning, Some(default.trim_end_matches(']').to_string())));
    let flag_default = || {
        let values: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
        if values.is_empty() { "none".to_string() } else { format!("`{}`", values.join(", ")) }
    };
    let env = arg.get_env().unwrap().to_string_lossy();
    let values: Vec<_> = arg.get_possible_values().iter().map(|value| format!("`{}`", value.get_name())).collect();
    let choice = if values.is_empty() { String::new() } else { format!(" ({})", values.join(", ")) };
    let default = said.unwrap_or_else(flag_default);
    format!("| `{}` | `{env}` | {default} | {meaning}{choice} |\n", arg.get_long().unwrap())
}

#[test]
fn the_page_says_what_the_flags_say() {
    let page = page();
    if std::env::var_os("PARLOR_WRITE_DOCS").is_some() {
        std::fs::write(PAGE, &page).unwrap();
    }
    let written = std::fs::read_to_string(PAGE).unwrap_or_default();
    assert!(written == page, "docs/settings.md is stale: run `PARLOR_WRITE_DOCS=1 cargo test -p parlor settings`");
}
