//! Tokens → tree.

use super::ast::{
    Compare, Condition, Item, Like, Literal, LiteralKind, Name, Nulls, Offset, Order, Path, Period, Query,
    Select,
};
use super::error::{INVALID_FIELD, MALFORMED_QUERY, SoqlError};
use super::lexer::{Kind, Token, illegal_sequence, tokens};

/// The longest statement, in characters [SOQL reference, "SOQL and SOSL limits"].
const MAX_STATEMENT: usize = 100_000;
/// The longest string in a condition, in characters (same page).
const MAX_STRING: usize = 4_000;
/// How deep conditions nest. Ours: what is deeper would overflow the stack, and no org takes that much either.
const MAX_DEPTH: usize = 200;

type Parsed<T> = Result<T, SoqlError>;

/// Parses a statement.
///
/// # Errors
/// `MALFORMED_QUERY` with the place of the first mistake, in Salesforce's words. Whether objects and fields exist is
/// only known to [`plan`](super::plan()).
pub fn parse(soql: &str) -> Result<Query, SoqlError> {
    if soql.chars().count() > MAX_STATEMENT {
        let message = format!("SOQL statements cannot be longer than {MAX_STATEMENT} characters.");
        return Err(SoqlError::plain(MALFORMED_QUERY, message));
    }
    if soql.trim().is_empty() {
        return Err(SoqlError::plain(MALFORMED_QUERY, "SOQL statements cannot be empty or null"));
    }
    Parser { soql, tokens: tokens(soql), at: 0, depth: 0 }.query()
}

struct Parser<'a> {
    soql: &'a str,
    /// Ends with [`Kind::End`], which is never stepped over.
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

const END: Kind = Kind::End;

impl Parser<'_> {
    fn kind(&self, ahead: usize) -> &Kind {
        self.tokens.get(self.at + ahead).map_or(&END, |t| &t.kind)
    }

    /// The text of the token `ahead`, empty at the end.
    fn written(&self, ahead: usize) -> &str {
        self.tokens.get(self.at + ahead).and_then(|t| self.soql.get(t.start..t.end)).unwrap_or_default()
    }

    fn pos(&self) -> usize {
        self.tokens.get(self.at).map_or(self.soql.len(), |t| t.start)
    }

    fn step(&mut self) {
        self.at = (self.at + 1).min(self.tokens.len().saturating_sub(1));
    }

    fn is(&self, kind: &Kind) -> bool {
        self.kind(0) == kind
    }

    /// Steps over the token when it is this one.
    fn takes(&mut self, kind: &Kind) -> bool {
        let is = self.is(kind);
        if is {
            self.step();
        }
        is
    }

    fn needs(&mut self, kind: &Kind) -> Parsed<()> {
        if self.takes(kind) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn is_keyword(&self, ahead: usize, keyword: &str) -> bool {
        *self.kind(ahead) == Kind::Word && self.written(ahead).eq_ignore_ascii_case(keyword)
    }

    fn takes_keyword(&mut self, keyword: &str) -> bool {
        let is = self.is_keyword(0, keyword);
        if is {
            self.step();
        }
        is
    }

    fn needs_keyword(&mut self, keyword: &str) -> Parsed<()> {
        if self.takes_keyword(keyword) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Steps over two keywords that only mean something together.
    fn takes_pair(&mut self, first: &str, second: &str) -> bool {
        let is = self.is_keyword(0, first) && self.is_keyword(1, second);
        if is {
            self.step();
            self.step();
        }
        is
    }

    /// The refusal of the token in hand.
    fn unexpected(&self) -> SoqlError {
        match self.kind(0) {
            Kind::Bad(error) => (**error).clone(),
            Kind::End => SoqlError::unexpected(self.soql, self.soql.len(), "<EOF>"),
            Kind::Quote => SoqlError::unexpected(self.soql, self.pos(), "'"),
            _ => SoqlError::unexpected(self.soql, self.pos(), self.written(0)),
        }
    }

    fn query(mut self) -> Parsed<Query> {
        self.needs_keyword("SELECT")?;
        let select = self.select()?;
        self.needs_keyword("FROM")?;
        let object = self.name()?;
        let alias = self.alias()?;
        let condition = if self.takes_keyword("WHERE") { Some(self.condition()?) } else { None };
        if self.is_keyword(0, "WITH") && self.is_keyword(1, "SECURITY_ENFORCED") {
            // Real orgs keep this clause for Apex.
            let message = "SECURITY_ENFORCED not allowed in this context";
            return Err(SoqlError::plain(MALFORMED_QUERY, message));
        }
        let order = if self.takes_pair("ORDER", "BY") { self.order()? } else { Vec::new() };
        let limit = if self.takes_keyword("LIMIT") { Some(self.count()?) } else { None };
        let offset = if self.takes_keyword("OFFSET") {
            let pos = self.pos();
            Some(Offset { rows: self.count()?, pos })
        } else {
            None
        };
        if self.is_keyword(0, "ALL") && self.is_keyword(1, "ROWS") {
            // Over the wire deleted rows are asked for with queryAll.
            return Err(SoqlError::plain(MALFORMED_QUERY, "ALL ROWS not allowed in this context"));
        }
        if !self.is(&Kind::End) {
            return Err(self.unexpected());
        }
        let text = self.soql.to_owned();
        Ok(Query { text, select, object, alias, condition, order, limit, offset })
    }

    fn select(&mut self) -> Parsed<Select> {
        if self.is_keyword(0, "COUNT") && *self.kind(1) == Kind::Open && *self.kind(2) == Kind::Close {
            self.at += 3;
            return Ok(Select::Count);
        }
        let mut items = Vec::new();
        loop {
            if self.is_keyword(0, "FROM") {
                return Err(self.unexpected());
            }
            items.push(Item::Field(self.path()?));
            if !self.takes(&Kind::Comma) {
                return Ok(Select::Items(items));
            }
        }
    }

    fn alias(&mut self) -> Parsed<Option<Name>> {
        const CLAUSES: [&str; 12] = [
            "WHERE", "WITH", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "FOR", "UPDATE", "USING", "ALL",
            "SET",
        ];
        if self.takes_keyword("AS") {
            return self.name().map(Some);
        }
        let is_alias = self.is(&Kind::Word) && !CLAUSES.iter().any(|clause| self.is_keyword(0, clause));
        if is_alias { self.name().map(Some) } else { Ok(None) }
    }

    fn name(&mut self) -> Parsed<Name> {
        if !self.is(&Kind::Word) {
            return Err(self.unexpected());
        }
        let name = Name { text: self.written(0).to_owned(), pos: self.pos() };
        self.step();
        Ok(name)
    }

    fn path(&mut self) -> Parsed<Path> {
        let mut names = vec![self.name()?];
        while self.takes(&Kind::Dot) {
            names.push(self.name()?);
        }
        Ok(Path { names })
    }

    /// One level of a condition. AND and OR never mix on a level, and NOT stands alone on its own: Salesforce wants
    /// parentheses for both.
    fn condition(&mut self) -> Parsed<Condition> {
        if self.depth == MAX_DEPTH {
            let message =
                "Query is either selecting too many fields or the filter conditions are too complicated.";
            return Err(SoqlError::plain("QUERY_TOO_COMPLICATED", message));
        }
        self.depth += 1;
        let condition = self.level();
        self.depth -= 1;
        condition
    }

    fn level(&mut self) -> Parsed<Condition> {
        if self.takes_keyword("NOT") {
            return Ok(Condition::Not(Box::new(self.operand()?)));
        }
        let first = self.operand()?;
        let joint = ["AND", "OR"].into_iter().find(|word| self.is_keyword(0, word));
        let Some(joint) = joint else { return Ok(first) };
        let mut parts = vec![first];
        while self.takes_keyword(joint) {
            parts.push(self.operand()?);
        }
        Ok(if joint == "AND" { Condition::And(parts) } else { Condition::Or(parts) })
    }

    fn operand(&mut self) -> Parsed<Condition> {
        if self.takes(&Kind::Open) {
            let inner = self.condition()?;
            self.needs(&Kind::Close)?;
            return Ok(inner);
        }
        if self.is_keyword(0, "NOT") {
            return Err(self.unexpected());
        }
        let path = self.path()?;
        if self.takes_keyword("LIKE") {
            return self.like(path);
        }
        let negated = self.is_keyword(0, "NOT") && self.is_keyword(1, "IN");
        if negated {
            self.step();
        }
        if self.takes_keyword("IN") {
            return Ok(Condition::In(path, self.list()?, negated));
        }
        if self.takes_keyword("INCLUDES") {
            return Ok(Condition::Includes(path, self.list()?, false));
        }
        if self.takes_keyword("EXCLUDES") {
            return Ok(Condition::Includes(path, self.list()?, true));
        }
        let compare = match self.kind(0) {
            Kind::Equal => Compare::Equal,
            Kind::NotEqual => Compare::NotEqual,
            Kind::Less => Compare::Less,
            Kind::LessOrEqual => Compare::LessOrEqual,
            Kind::Greater => Compare::Greater,
            Kind::GreaterOrEqual => Compare::GreaterOrEqual,
            _ => return Err(self.unexpected()),
        };
        self.step();
        Ok(Condition::Compare(path, compare, self.literal()?))
    }

    fn like(&mut self, path: Path) -> Parsed<Condition> {
        if let Kind::Text(text, escaped) = self.kind(0) {
            self.check_length(text)?;
            let like = Like { text: text.clone(), escaped: escaped.clone() };
            self.step();
            return Ok(Condition::Like(path, like));
        }
        // Whatever the field's type: only text can be a pattern.
        self.literal()?;
        let field = path.names.last().map_or("", |name| name.text.as_str());
        let message = format!(
            "value of filter criterion for field '{field}' must be of type string and should be enclosed in quotes"
        );
        Err(SoqlError::at(INVALID_FIELD, self.soql, path.pos(), &message))
    }

    fn list(&mut self) -> Parsed<Vec<Literal>> {
        if self.is(&Kind::Colon) {
            return Err(self.bind_variable());
        }
        self.needs(&Kind::Open)?;
        let mut values = vec![self.literal()?];
        while self.takes(&Kind::Comma) {
            values.push(self.literal()?);
        }
        self.needs(&Kind::Close)?;
        Ok(values)
    }

    fn literal(&mut self) -> Parsed<Literal> {
        let pos = self.pos();
        let kind = match self.kind(0) {
            Kind::Text(text, escaped) => {
                if let Some(sequence) = escaped.first().and_then(|at| text.get(*at..=*at)) {
                    let sequence = format!("\\{sequence}");
                    return Err(illegal_sequence(self.soql, pos, self.written(0), &sequence));
                }
                self.check_length(text)?;
                LiteralKind::Text(text.clone())
            }
            Kind::Number => LiteralKind::Number(self.written(0).to_owned()),
            Kind::Date(date) => LiteralKind::Date(*date),
            Kind::DateTime(ms) => LiteralKind::DateTime(*ms),
            Kind::Time(ms) => LiteralKind::Time(*ms),
            Kind::Colon => return Err(self.bind_variable()),
            Kind::Word => return self.word_literal(pos),
            _ => return Err(self.unexpected()),
        };
        self.step();
        Ok(Literal { kind, pos })
    }

    fn word_literal(&mut self, pos: usize) -> Parsed<Literal> {
        let word = self.written(0);
        let kind = if word.eq_ignore_ascii_case("null") {
            LiteralKind::Null
        } else if word.eq_ignore_ascii_case("true") {
            LiteralKind::Boolean(true)
        } else if word.eq_ignore_ascii_case("false") {
            LiteralKind::Boolean(false)
        } else if *self.kind(1) == Kind::Colon {
            let n = self.written(2).parse().ok().filter(|n| (0..=i64::from(i32::MAX)).contains(n));
            let Some(period) = n.and_then(|n| Period::named(word, Some(n))) else {
                return Err(self.unexpected());
            };
            self.at += 2;
            LiteralKind::Period(period)
        } else {
            LiteralKind::Period(Period::named(word, None).ok_or_else(|| self.unexpected())?)
        };
        self.step();
        Ok(Literal { kind, pos })
    }

    fn bind_variable(&self) -> SoqlError {
        SoqlError::grammar(self.soql, self.pos(), "Bind variables only allowed in Apex code")
    }

    fn check_length(&self, text: &str) -> Parsed<()> {
        if text.len() <= MAX_STRING || text.chars().count() <= MAX_STRING {
            return Ok(());
        }
        // The limit is documented, its wording is not.
        let message =
            format!("String literals in a WHERE clause cannot be longer than {MAX_STRING} characters.");
        Err(SoqlError::plain(MALFORMED_QUERY, message))
    }

    fn order(&mut self) -> Parsed<Vec<Order>> {
        let mut order = Vec::new();
        loop {
            let path = self.path()?;
            let descending = self.takes_keyword("DESC");
            if !descending {
                self.takes_keyword("ASC");
            }
            let nulls = if self.takes_pair("NULLS", "FIRST") {
                Some(Nulls::First)
            } else if self.takes_pair("NULLS", "LAST") {
                Some(Nulls::Last)
            } else {
                None
            };
            order.push(Order { path, descending, nulls });
            if !self.takes(&Kind::Comma) {
                return Ok(order);
            }
        }
    }

    /// The whole number after LIMIT or OFFSET.
    fn count(&mut self) -> Parsed<u64> {
        if self.is(&Kind::Colon) {
            return Err(self.bind_variable());
        }
        let written = self.written(0);
        let plain = self.is(&Kind::Number) && written.bytes().all(|b| b.is_ascii_digit());
        let n = written.parse().ok().filter(|_| plain).ok_or_else(|| self.unexpected())?;
        self.step();
        Ok(n)
    }
}

#[cfg(test)]
mod tests;
