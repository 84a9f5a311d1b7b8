//! Conditions and literals.

use super::super::ast::{Compare, Condition, Expr, Like, Literal, LiteralKind, Period};
use super::super::error::{INVALID_FIELD, MALFORMED_QUERY, SoqlError};
use super::super::lexer::{Kind, illegal_sequence};
use super::{Parsed, Parser};

/// The longest string in a condition, in characters [SOQL reference, "SOQL and SOSL limits"].
const MAX_STRING: usize = 4_000;

impl Parser<'_> {
    /// One level of a condition. AND and OR never mix on a level, and NOT stands alone on its own: Salesforce wants
    /// parentheses for both.
    pub(super) fn condition(&mut self) -> Parsed<Condition> {
        self.nested(Self::level)
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
        self.comparison()
    }

    /// Apart from what can stand within itself, so that deep conditions take little of the stack.
    fn comparison(&mut self) -> Parsed<Condition> {
        let expr = self.expr()?;
        if self.takes_keyword("LIKE") {
            return self.like(expr);
        }
        let negated = self.is_keyword(0, "NOT") && self.is_keyword(1, "IN");
        if negated {
            self.step();
        }
        if self.takes_keyword("IN") {
            if self.is(&Kind::Open) && *self.kind(1) == Kind::Word && self.is_keyword(1, "SELECT") {
                self.step();
                let query = self.subquery()?;
                self.needs(&Kind::Close)?;
                return Ok(Condition::InSelect(expr, query, negated));
            }
            return Ok(Condition::In(expr, self.list()?, negated));
        }
        if self.takes_keyword("INCLUDES") {
            return Ok(Condition::Includes(expr, self.list()?, false));
        }
        if self.takes_keyword("EXCLUDES") {
            return Ok(Condition::Includes(expr, self.list()?, true));
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
        Ok(Condition::Compare(expr, compare, self.literal()?))
    }

    fn like(&mut self, expr: Expr) -> Parsed<Condition> {
        if let Kind::Text(text, escaped) = self.kind(0) {
            self.check_length(text)?;
            let like = Like { text: text.clone(), escaped: escaped.clone() };
            self.step();
            return Ok(Condition::Like(expr, like));
        }
        // Whatever the field's type: only text can be a pattern.
        self.literal()?;
        let field = match &expr {
            Expr::Field(path) => path.names.last().map_or(String::new(), |name| name.text.clone()),
            other => other.to_string(),
        };
        let message = format!(
            "value of filter criterion for field '{field}' must be of type string and should be enclosed in quotes"
        );
        Err(SoqlError::at(INVALID_FIELD, self.soql, expr.pos(), &message))
    }

    fn list(&mut self) -> Parsed<Vec<Literal>> {
        if self.is(&Kind::Colon) {
            return Err(self.bind_variable());
        }
        self.needs(&Kind::Open)?;
        let values = self.listed(Self::literal)?;
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
        } else if let Some((code, amount)) = currency(word) {
            LiteralKind::Currency(code, amount)
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

    pub(super) fn bind_variable(&self) -> SoqlError {
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
}

/// `USD5000` as its code and its amount.
fn currency(word: &str) -> Option<(String, String)> {
    let (code, amount) = word.split_at_checked(3)?;
    let coded = code.bytes().all(|b| b.is_ascii_alphabetic());
    let digits = amount.starts_with(|c: char| c.is_ascii_digit())
        && amount.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    (coded && digits).then(|| (code.to_owned(), amount.to_owned()))
}
