//! What a query is refused with: Salesforce's code and text, with the place in the statement shown above it.

use std::fmt;

pub(super) const MALFORMED_QUERY: &str = "MALFORMED_QUERY";
pub(super) const INVALID_FIELD: &str = "INVALID_FIELD";
pub(super) const INVALID_TYPE: &str = "INVALID_TYPE";
pub(super) const INVALID_QUERY_FILTER_OPERATOR: &str = "INVALID_QUERY_FILTER_OPERATOR";

/// How much of the statement is shown on either side of the mistake, before it is widened to whole words.
const SHOWN: usize = 30;

/// A refused query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoqlError {
    /// Salesforce's `errorCode`, as in `INVALID_FIELD`.
    pub code: &'static str,
    /// Salesforce's message; where it names a place in the statement it begins with a line break.
    pub message: String,
}

impl SoqlError {
    /// An error that names no place in the statement.
    pub(super) fn plain(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// A mistake in what the statement means, at byte `pos` of it. Columns count from one.
    pub(super) fn at(code: &'static str, soql: &str, pos: usize, message: &str) -> Self {
        let place = Place::of(soql, pos);
        Self { code, message: place.show(place.index + 1, message) }
    }

    /// A mistake in the statement's grammar, at byte `pos` of it.
    ///
    /// Salesforce's parser counts these columns from zero, so that its caret stands one to the left of the token;
    /// a mistake in the very first token has no column and is told without context.
    pub(super) fn grammar(soql: &str, pos: usize, message: &str) -> Self {
        let place = Place::of(soql, pos);
        let message = if place.index == 0 { message.to_owned() } else { place.show(place.index, message) };
        Self { code: MALFORMED_QUERY, message }
    }

    /// A token that the grammar has no use for.
    pub(super) fn unexpected(soql: &str, pos: usize, token: &str) -> Self {
        let first = Place::of(soql, pos).index == 0;
        let message =
            if first { format!("unexpected token: {token}") } else { format!("unexpected token: '{token}'") };
        Self::grammar(soql, pos, &message)
    }

    /// A character that begins no token, or a literal that breaks off; told with the lexer's own row and column.
    pub(super) fn no_viable(soql: &str, pos: usize) -> Self {
        let place = Place::of(soql, pos);
        let found = soql.get(pos..).and_then(|rest| rest.chars().next());
        let found = found.map_or_else(|| "<EOF>".to_owned(), String::from);
        let message =
            format!("line {}:{} no viable alternative at character '{found}'", place.row, place.index);
        Self::grammar(soql, pos, &message)
    }
}

/// What an org says of a name that it does not know: what it tried, what custom names end with, and where to look.
fn unknown(said: &str, what: &str, suffix: &str, thing: &str) -> String {
    format!(
        "{said} If you are attempting to use a custom {what}, be sure to append the '{suffix}' after the {thing}. Please reference your WSDL or the describe call for the appropriate names."
    )
}

pub(super) fn unknown_object(name: &str) -> String {
    unknown(&format!("sObject type '{name}' is not supported."), "object", "__c", "entity name")
}

pub(super) fn unknown_field(name: &str, entity: &str) -> String {
    let said = format!("No such column '{name}' on entity '{entity}'.");
    unknown(&said, "field", "__c", "custom field name")
}

/// `part` is where the relationship was looked for.
pub(super) fn unknown_relationship(name: &str, part: &str) -> String {
    let said = format!("Didn't understand relationship '{name}' in {part}.");
    unknown(&said, "relationship", "__r", "custom relationship name")
}

impl fmt::Display for SoqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for SoqlError {}

/// A byte position as a line and an index into its characters.
struct Place {
    row: usize,
    line: Vec<char>,
    index: usize,
}

impl Place {
    fn of(soql: &str, pos: usize) -> Self {
        let before = soql.get(..pos).unwrap_or(soql);
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = soql[start..].split('\n').next().unwrap_or_default();
        Self {
            row: before.matches('\n').count() + 1,
            line: line.chars().collect(),
            index: before[start..].chars().count(),
        }
    }

    /// The line around the place, a caret under it, its row and column, and the message.
    fn show(&self, column: usize, message: &str) -> String {
        let caret = column.saturating_sub(1).min(self.line.len());
        let breaks = |c: &char| c.is_whitespace() || *c == ',';
        let near = caret.saturating_sub(SHOWN);
        let start = self.line[..near].iter().rposition(breaks).map_or(0, |at| at + 1);
        let far = (caret + SHOWN + 1).min(self.line.len());
        let end = self.line[far..].iter().position(breaks).map_or(self.line.len(), |at| far + at);
        let shown: String = self.line[start..end].iter().collect();
        let indent = " ".repeat(caret - start);
        format!("\n{shown}\n{indent}^\nERROR at Row:{}:Column:{column}\n{message}", self.row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was seen of real orgs: statement, byte of the mistake, the lines before the message.
    #[test]
    fn the_place_is_shown_as_orgs_show_it() {
        let cases = [
            (
                "SELECT Bacon__c FROM Account LIMIT 2",
                "Bacon",
                "\nSELECT Bacon__c FROM Account LIMIT 2\n       ^\nERROR at Row:1:Column:8\n",
            ),
            (
                "SELECT Id,Name,BillingCity,IsDeleted FROM Accout",
                "Accout",
                "\nName,BillingCity,IsDeleted FROM Accout\n                                ^\nERROR at Row:1:Column:43\n",
            ),
            (
                "SELECT Id, DeveloperName, Description, NamespacePrefix, Status FROM PermissionSetGroup",
                "PermissionSetGroup",
                "\n NamespacePrefix, Status FROM PermissionSetGroup\n                              ^\nERROR at Row:1:Column:69\n",
            ),
            ("SELECT Id\nFROM Maycur", "Maycur", "\nFROM Maycur\n     ^\nERROR at Row:2:Column:6\n"),
        ];
        for (soql, at, expected) in cases {
            let error = SoqlError::at(INVALID_FIELD, soql, soql.find(at).unwrap(), "X");
            assert_eq!(error.message, format!("{expected}X"));
        }
    }

    #[test]
    fn mistakes_of_grammar_count_columns_from_zero() {
        let soql = "SELECT Id FROM Account SET OPTIONS (honorEmptyStrings = true) LIMIT 1";
        let error = SoqlError::unexpected(soql, soql.find("LIMIT").unwrap(), "LIMIT");
        let expected = "\nOPTIONS (honorEmptyStrings = true) LIMIT 1\n                                  ^\nERROR at Row:1:Column:62\nunexpected token: 'LIMIT'";
        assert_eq!(error.message, expected);
        assert_eq!(SoqlError::unexpected("SELEKT Id", 0, "SELEKT").message, "unexpected token: SELEKT");
        let soql = "Select Id from Opportunity  where DAY_ONLY(CloseDate) < 2016-07-31T04:17:54";
        let expected = "\nDAY_ONLY(CloseDate) < 2016-07-31T04:17:54\n                                        ^\nERROR at Row:1:Column:75\nline 1:75 no viable alternative at character '<EOF>'";
        assert_eq!(SoqlError::no_viable(soql, soql.len()).message, expected);
    }

    #[test]
    fn a_place_in_a_statement_of_any_characters_is_shown() {
        let soql = "SELECT Id FROM Äccount🙂";
        let error = SoqlError::at(INVALID_TYPE, soql, soql.find('Ä').unwrap(), "X");
        assert_eq!(
            error.message,
            "\nSELECT Id FROM Äccount🙂\n               ^\nERROR at Row:1:Column:16\nX"
        );
    }
}
