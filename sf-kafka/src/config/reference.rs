//! The reference page of a connector, written from its table.

use std::fmt::Write;

use super::key::{Group, Key, Standing};
use super::table;
use crate::connector::Connector;

/// The reference page of a connector's keys, as Markdown.
#[must_use]
pub fn reference_markdown(connector: Connector) -> String {
    let mut page = format!("# {}: every key\n\n", connector.title());
    page.push_str(
        "This page is written from the table that the program itself reads, and a test compares them.\n\n\
         `connector.class` is `",
    );
    page.push_str(connector.alias());
    page.push_str(
        "`. In names, `objectN` stands for `object1`, `object2` and so on, and a last `*` for any ending. \
         \"Ours\" marks keys that the connectors we are compatible with do not have.\n",
    );
    for group in Group::ALL {
        let keys: Vec<&Key> = table::keys(connector).filter(|key| key.group == group).collect();
        if !keys.is_empty() {
            section(&mut page, group, &keys);
        }
    }
    page
}

fn section(page: &mut String, group: Group, keys: &[&Key]) {
    let _ = writeln!(page, "\n## {}\n", group.title());
    if group == Group::Compatibility {
        page.push_str("These change nothing. Each that is given is listed, so that nobody wonders.\n\n");
        page.push_str("| key | what it is elsewhere |\n|---|---|\n");
        for key in keys {
            let _ = writeln!(page, "| `{}` | {} |", key.name, key.doc);
        }
        return;
    }
    page.push_str("| key | type | default | valid | what it does |\n|---|---|---|---|---|\n");
    for key in keys {
        let default = match key.default {
            Some(default) => format!("`{default}`"),
            None if key.required => "required".to_owned(),
            None => String::new(),
        };
        let valid = key.valid_values();
        let _ = writeln!(
            page,
            "| `{}` | {} | {default} | {valid} | {} |",
            key.name,
            key.kind.as_str(),
            text(key)
        );
    }
}

fn text(key: &Key) -> String {
    let mut text = String::new();
    if key.ours {
        text.push_str("Ours. ");
    }
    text.push_str(key.doc);
    if let Accepted::Limited(why) = Accepted::of(key) {
        let _ = write!(text, " *{}.*", capital(why));
    }
    for alias in key.aliases {
        let _ = write!(text, " Also `{alias}`.");
    }
    text
}

enum Accepted {
    Fully,
    Limited(&'static str),
}

impl Accepted {
    fn of(key: &Key) -> Self {
        match key.standing {
            Standing::Used => Self::Fully,
            Standing::Ignored(why) | Standing::NoEffectYet(why) | Standing::NotYet { why, .. } => {
                Self::Limited(why)
            }
        }
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
