//! Reading metadata files.

use std::path::Path;

use roxmltree::{Document, Node};

use super::error::LoadError;
use super::project::{self, Project};

/// The text of a metadata file, with what its writer forgot put right and noted.
pub(super) fn read(project: &Project, path: &Path, notes: &mut Vec<String>) -> Result<String, LoadError> {
    let text = project::text(path)?;
    Ok(match with_whole_entities(&text) {
        Some((mended, line)) => {
            notes.push(format!("{}:{line}: & is no valid XML, read as &amp;", project.shown(path)));
            mended
        }
        None => text,
    })
}

/// Parses a metadata file whose root is `root`.
pub(super) fn parse<'a>(path: &Path, text: &'a str, root: &str) -> Result<Document<'a>, LoadError> {
    let document = Document::parse(text).map_err(|error| {
        let line = usize::try_from(error.pos().row).unwrap_or_default();
        LoadError::new(path, format!("is no valid XML: {error}")).at_line(line).hint("Mend the syntax.")
    })?;
    let found = document.root_element().tag_name().name();
    if found != root {
        return Err(LoadError::new(path, format!("holds <{found}> where <{root}> is expected"))
            .at_line(1)
            .hint("Check that the file is in the right folder."));
    }
    Ok(document)
}

/// The text with each `&` that begins no entity written as `&amp;`, and the line of the first; none where there is none.
///
/// Salesforce's CLI, which writes the files anew before it deploys them, takes such an `&` for itself.
fn with_whole_entities(text: &str) -> Option<(String, usize)> {
    // In CDATA it stands for itself.
    if text.contains("<![CDATA[") {
        return None;
    }
    let mut out = String::new();
    let mut first = None;
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        out.push('&');
        rest = &from[1..];
        let name = rest.split_once(';').map_or("", |(name, _)| name);
        let entity = name.strip_prefix('#').unwrap_or(name);
        if entity.is_empty() || !entity.chars().all(|c| c.is_ascii_alphanumeric()) {
            out.push_str("amp;");
            first.get_or_insert_with(|| out.lines().count());
        }
    }
    out.push_str(rest);
    first.map(|line| (out, line))
}

/// The first child element of this name.
pub(super) fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    node.children().find(|child| child.is_element() && child.tag_name().name() == name)
}

/// The child elements of this name.
pub(super) fn children<'a, 'i>(node: Node<'a, 'i>, name: &str) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(move |child| child.is_element() && child.tag_name().name() == name)
}

/// The text of the first child element of this name.
pub(super) fn text<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    child(node, name)?.text().map(str::trim).filter(|text| !text.is_empty())
}

/// The names of the child elements, each once.
pub(super) fn tags<'a>(node: Node<'a, '_>) -> Vec<&'a str> {
    let mut tags: Vec<_> = node.children().filter(Node::is_element).map(|e| e.tag_name().name()).collect();
    tags.sort_unstable();
    tags.dedup();
    tags
}

pub(super) fn is_true(node: Node<'_, '_>, name: &str) -> bool {
    text(node, name).is_some_and(|text| text.eq_ignore_ascii_case("true"))
}

pub(super) fn number(node: Node<'_, '_>, name: &str) -> Option<u32> {
    text(node, name)?.parse().ok()
}
