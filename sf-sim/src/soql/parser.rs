//! Tokens → tree.

mod condition;
mod select;

use std::sync::Arc;

use super::ast::{
    DataCategory, Group, GroupKind, Name, Nulls, Offset, Order, Path, Purpose, Query, Update, With,
};
use super::error::{MALFORMED_QUERY, SoqlError};
use super::lexer::{Kind, Token, tokens};
use super::scope::is_known;

/// The longest statement, in characters [SOQL reference, "SOQL and SOSL limits"].
const MAX_STATEMENT: usize = 100_000;
/// How deep conditions, functions and subqueries nest. Ours: what is deeper would overflow the stack, and no org takes that much either.
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
    Parser { soql, text: soql.into(), tokens: tokens(soql), at: 0, depth: 0 }.query()
}

struct Parser<'a> {
    soql: &'a str,
    text: Arc<str>,
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
        let query = self.statement()?;
        if self.is(&Kind::End) { Ok(query) } else { Err(self.unexpected()) }
    }

    /// Runs a part of the grammar that can stand within itself.
    fn nested<T>(&mut self, part: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        self.deeper(1, part)
    }

    /// A statement within the statement. It takes as much of the stack as many conditions.
    fn subquery(&mut self) -> Parsed<Box<Query>> {
        self.deeper(MAX_DEPTH / 20, |parser| parser.statement().map(Box::new))
    }

    fn deeper<T>(&mut self, by: usize, part: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth + by > MAX_DEPTH {
            let message =
                "Query is either selecting too many fields or the filter conditions are too complicated.";
            return Err(SoqlError::plain("QUERY_TOO_COMPLICATED", message));
        }
        self.depth += by;
        let parsed = part(self);
        self.depth -= by;
        parsed
    }

    fn statement(&mut self) -> Parsed<Query> {
        self.needs_keyword("SELECT")?;
        let select = self.select()?;
        self.needs_keyword("FROM")?;
        let object = self.path()?;
        let alias = self.alias()?;
        let mut aliases = Vec::new();
        while self.takes(&Kind::Comma) {
            let path = self.path()?;
            self.takes_keyword("AS");
            aliases.push((path, self.name()?));
        }
        let scope = if self.takes_pair("USING", "SCOPE") { Some(self.scope()?) } else { None };
        let condition = if self.takes_keyword("WHERE") { Some(self.condition()?) } else { None };
        let with = if self.takes_keyword("WITH") { Some(self.with()?) } else { None };
        let group = if self.takes_pair("GROUP", "BY") { Some(self.group()?) } else { None };
        let having =
            if group.is_some() && self.takes_keyword("HAVING") { Some(self.condition()?) } else { None };
        let order = if self.takes_pair("ORDER", "BY") { self.order()? } else { Vec::new() };
        let limit = if self.takes_keyword("LIMIT") { Some(self.count()?) } else { None };
        let offset = if self.takes_keyword("OFFSET") {
            let pos = self.pos();
            Some(Offset { rows: self.count()?, pos })
        } else {
            None
        };
        let purposes = self.purposes()?;
        let updates = self.updates()?;
        let pos = self.pos();
        let all_rows = self.takes_pair("ALL", "ROWS").then_some(pos);
        let text = Arc::clone(&self.text);
        Ok(Query {
            text,
            select,
            object,
            alias,
            aliases,
            scope,
            condition,
            with,
            group,
            having,
            order,
            limit,
            offset,
            purposes,
            updates,
            all_rows,
        })
    }

    fn alias(&mut self) -> Parsed<Option<Name>> {
        const CLAUSES: [&str; 13] = [
            "FROM", "WHERE", "WITH", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "FOR", "UPDATE", "USING",
            "ALL", "SET",
        ];
        if self.takes_keyword("AS") {
            return self.name().map(Some);
        }
        let is_alias = self.is(&Kind::Word) && !CLAUSES.iter().any(|clause| self.is_keyword(0, clause));
        if is_alias { self.name().map(Some) } else { Ok(None) }
    }

    fn scope(&mut self) -> Parsed<Name> {
        if is_known(self.written(0)) { self.name() } else { Err(self.unexpected()) }
    }

    fn with(&mut self) -> Parsed<With> {
        if !self.takes_pair("DATA", "CATEGORY") {
            let modes = ["SECURITY_ENFORCED", "USER_MODE", "SYSTEM_MODE"];
            let known = modes.iter().any(|mode| self.is_keyword(0, mode));
            return if known { self.name().map(With::Mode) } else { Err(self.unexpected()) };
        }
        let mut filters = Vec::new();
        loop {
            let group = self.name()?;
            let selectors = ["AT", "ABOVE", "BELOW", "ABOVE_OR_BELOW"];
            if !selectors.iter().any(|selector| self.is_keyword(0, selector)) {
                return Err(self.unexpected());
            }
            let selector = self.name()?;
            let categories = if self.takes(&Kind::Open) {
                let several = self.listed(Self::name)?;
                self.needs(&Kind::Close)?;
                several
            } else {
                vec![self.name()?]
            };
            filters.push(DataCategory { group, selector, categories });
            if !self.takes_keyword("AND") {
                return Ok(With::DataCategory(filters));
            }
        }
    }

    fn group(&mut self) -> Parsed<Group> {
        let called = |kind: &Self, word| kind.is_keyword(0, word) && *kind.kind(1) == Kind::Open;
        let kind = if called(self, "ROLLUP") {
            GroupKind::Rollup
        } else if called(self, "CUBE") {
            GroupKind::Cube
        } else {
            GroupKind::Plain
        };
        let enclosed = kind != GroupKind::Plain;
        if enclosed {
            self.step();
            self.step();
        }
        let by = self.listed(Self::expr)?;
        if enclosed {
            self.needs(&Kind::Close)?;
        }
        Ok(Group { kind, by })
    }

    fn purposes(&mut self) -> Parsed<Vec<Purpose>> {
        let mut purposes = Vec::new();
        while self.takes_keyword("FOR") {
            let one = |parser: &mut Self| {
                parser.one_of(&[
                    ("VIEW", Purpose::View),
                    ("REFERENCE", Purpose::Reference),
                    ("UPDATE", Purpose::Update),
                ])
            };
            purposes.extend(self.listed(one)?);
        }
        Ok(purposes)
    }

    fn updates(&mut self) -> Parsed<Vec<Update>> {
        if !self.takes_keyword("UPDATE") {
            return Ok(Vec::new());
        }
        self.listed(|parser| parser.one_of(&[("TRACKING", Update::Tracking), ("VIEWSTAT", Update::ViewStat)]))
    }

    /// What a keyword stands for, where it is one of these.
    fn one_of<T: Copy>(&mut self, keywords: &[(&str, T)]) -> Parsed<T> {
        let found = keywords.iter().find(|(keyword, _)| self.takes_keyword(keyword));
        found.map(|(_, meaning)| *meaning).ok_or_else(|| self.unexpected())
    }

    /// One or more, with commas between them.
    fn listed<T>(&mut self, mut one: impl FnMut(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        let mut all = vec![one(self)?];
        while self.takes(&Kind::Comma) {
            all.push(one(self)?);
        }
        Ok(all)
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

    fn order(&mut self) -> Parsed<Vec<Order>> {
        self.listed(|parser| {
            let expr = parser.expr()?;
            let descending = parser.takes_keyword("DESC");
            if !descending {
                parser.takes_keyword("ASC");
            }
            let nulls = if parser.takes_pair("NULLS", "FIRST") {
                Some(Nulls::First)
            } else if parser.takes_pair("NULLS", "LAST") {
                Some(Nulls::Last)
            } else {
                None
            };
            Ok(Order { expr, descending, nulls })
        })
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
