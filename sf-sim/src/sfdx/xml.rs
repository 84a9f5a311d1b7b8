//! Reading metadata files.

use std::path::Path;

use roxmltree::{Document, Node};

use super::error::LoadError;

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

pub(super) fn is_true(node: Node<'_, '_>, name: &str) -> bool {
    text(node, name) == Some("true")
}

pub(super) fn number(node: Node<'_, '_>, name: &str) -> Option<u32> {
    text(node, name)?.parse().ok()
}
