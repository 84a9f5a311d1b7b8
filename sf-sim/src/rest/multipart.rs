//! `multipart/form-data`: several parts in one body, between lines that are the boundary.

use bytes::Bytes;

/// The most parts of a body. Ours: each takes memory of its own, however little it holds.
const MOST_PARTS: usize = 1_000;

/// One part of a body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// What its `Content-Disposition` calls it.
    pub(crate) name: Option<String>,
    /// Whether it is a file: it says what that is called.
    pub(crate) is_file: bool,
    content_type: Option<String>,
    pub(crate) content: Bytes,
}

impl Part {
    pub(crate) fn is_json(&self) -> bool {
        let kind = self.content_type.as_deref().unwrap_or_default();
        kind.trim_start().to_ascii_lowercase().starts_with("application/json")
    }
}

/// The boundary that a `Content-Type` names, where it is that of a form; empty where it names none.
pub(crate) fn boundary(content_type: &str) -> Option<String> {
    let (kind, _) = content_type.split_once(';').unwrap_or((content_type, ""));
    let is_form = kind.trim().eq_ignore_ascii_case("multipart/form-data");
    is_form.then(|| parameter(content_type, "boundary").unwrap_or_default())
}

/// The parts of a body; none where it is not made of parts, up to the last boundary, or of too many.
pub(crate) fn parts(body: &Bytes, boundary: &str) -> Option<Vec<Part>> {
    if boundary.is_empty() {
        return None;
    }
    let frame = Frame { body, mark: format!("--{boundary}") };
    let mut delimiter = frame.first()?;
    // Clients that write by hand end their lines with a line feed alone. All lines of one frame end alike, so that a file
    // can hold what would be a boundary in another frame.
    let crlf = delimiter.crlf;
    let mut parts = Vec::new();
    while !delimiter.last {
        if parts.len() == MOST_PARTS {
            return None;
        }
        let (headers, start, empty_line) = head(body, delimiter.end)?;
        // The empty line behind the headers may be the one before the boundary as well: there is no content then.
        let (end, next) = frame.next(empty_line, crlf)?;
        let disposition = header(&headers, "content-disposition");
        parts.push(Part {
            name: disposition.and_then(|disposition| parameter(disposition, "name")),
            is_file: disposition.is_some_and(|disposition| parameter(disposition, "filename").is_some()),
            content_type: header(&headers, "content-type").map(str::to_owned),
            content: body.slice(start..end.max(start)),
        });
        delimiter = next;
    }
    Some(parts)
}

struct Frame<'b> {
    body: &'b [u8],
    /// The boundary behind its two dashes.
    mark: String,
}

/// A line that is the boundary.
struct Delimiter {
    /// Where the next line begins.
    end: usize,
    /// Whether it ends the body.
    last: bool,
    crlf: bool,
}

impl Frame<'_> {
    /// The first boundary; what stands before it is no part.
    fn first(&self) -> Option<Delimiter> {
        let mut start = 0;
        loop {
            if let Some(delimiter) = self.at(start) {
                return Some(delimiter);
            }
            start += self.body.get(start..)?.iter().position(|byte| *byte == b'\n')? + 1;
        }
    }

    /// The first boundary from a place on, and where the line end before it begins, which belongs to it.
    fn next(&self, from: usize, crlf: bool) -> Option<(usize, Delimiter)> {
        let mut start = from;
        loop {
            let feed = start + self.body.get(start..)?.iter().position(|byte| *byte == b'\n')?;
            start = feed + 1;
            let end = match (crlf, feed > from && self.body.get(feed - 1) == Some(&b'\r')) {
                (true, true) => feed - 1,
                (true, false) => continue,
                (false, _) => feed,
            };
            if let Some(delimiter) = self.at(start) {
                return Some((end, delimiter));
            }
        }
    }

    /// The boundary that begins at a line's start: the whole line is it, white space apart.
    fn at(&self, start: usize) -> Option<Delimiter> {
        let rest = self.body.get(start..)?.strip_prefix(self.mark.as_bytes())?;
        let (last, rest) = rest.strip_prefix(b"--").map_or((false, rest), |rest| (true, rest));
        let padding = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let rest = rest.get(padding..).unwrap_or_default();
        let (crlf, end) = match rest {
            [b'\r', b'\n', ..] => (true, 2),
            [b'\n', ..] => (false, 1),
            [] if last => (true, 0),
            _ => return None,
        };
        Some(Delimiter { end: self.body.len() - rest.len() + end, last, crlf })
    }
}

/// The headers that begin at a place, where what they are about begins, and where the empty line before that does.
fn head(body: &[u8], from: usize) -> Option<(Vec<String>, usize, usize)> {
    let mut headers: Vec<String> = Vec::new();
    let mut at = from;
    loop {
        let feed = at + body.get(at..)?.iter().position(|byte| *byte == b'\n')?;
        let line = body.get(at..feed)?;
        let line = std::str::from_utf8(line.strip_suffix(b"\r").unwrap_or(line)).ok()?;
        if line.is_empty() {
            return Some((headers, feed + 1, at));
        }
        match headers.last_mut() {
            // A header may go on in the next line.
            Some(header) if line.starts_with([' ', '\t']) => header.push_str(line),
            _ => headers.push(line.to_owned()),
        }
        at = feed + 1;
    }
}

fn header<'h>(headers: &'h [String], name: &str) -> Option<&'h str> {
    headers.iter().find_map(|line| {
        let (own, value) = line.split_once(':')?;
        own.trim().eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// The value of a parameter behind a header's first word. In quotes it may hold semicolons and escaped quotes.
fn parameter(header: &str, name: &str) -> Option<String> {
    let (_, mut rest) = header.split_once(';')?;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ';']);
        if rest.is_empty() {
            return None;
        }
        let end = rest.find(['=', ';']).unwrap_or(rest.len());
        let (own, behind) = rest.split_at(end);
        let (value, behind) = match behind.strip_prefix('=').map(str::trim_start) {
            None => (String::new(), behind),
            Some(behind) => match behind.strip_prefix('"') {
                Some(quoted) => unquoted(quoted),
                None => {
                    let (value, behind) = behind.split_at(behind.find(';').unwrap_or(behind.len()));
                    (value.trim_end().to_owned(), behind)
                }
            },
        };
        if own.trim().eq_ignore_ascii_case(name) {
            return Some(value);
        }
        rest = behind;
    }
}

/// What stands before the closing quote, and what behind it.
fn unquoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return (value, text.get(at + 1..).unwrap_or_default()),
            // Windows' paths come unescaped.
            '\\' if chars.peek().is_some_and(|(_, next)| matches!(next, '"' | '\\')) => {
                value.extend(chars.next().map(|(_, escaped)| escaped));
            }
            other => value.push(other),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(body: &[u8], boundary: &str) -> Option<Vec<(Option<String>, Vec<u8>)>> {
        let parts = parts(&Bytes::copy_from_slice(body), boundary)?;
        Some(parts.into_iter().map(|part| (part.name, part.content.to_vec())).collect())
    }

    fn named(name: &str, content: &[u8]) -> (Option<String>, Vec<u8>) {
        (Some(name.to_owned()), content.to_vec())
    }

    #[test]
    fn a_form_is_taken_apart_whatever_its_lines_end_with() {
        for end in ["\r\n", "\n"] {
            let body = [
                "a preamble, in which --B is no boundary",
                "--B \t",
                "Content-Type: application/json",
                "Content-Disposition: form-data;",
                "\tname=\"job\"",
                "",
                "{}",
                "--B",
                "content-disposition: form-data; filename=\"a; name=b\"; name=content",
                "",
                "Name",
                "x--B",
                "--Bx",
                "--B--x",
                "",
                "--B--",
                "an epilogue",
            ]
            .join(end);
            let content = format!("Name{end}x--B{end}--Bx{end}--B--x{end}");
            let expected = vec![named("job", b"{}"), named("content", content.as_bytes())];
            assert_eq!(read(body.as_bytes(), "B"), Some(expected), "{body:?}");
        }
    }

    #[test]
    fn a_file_may_hold_the_boundary_of_another_frame() {
        let body = b"--B\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\n\n--B\n--B--\n\r\r\n--B--\r\n";
        assert_eq!(read(body, "B"), Some(vec![named("f", b"\n--B\n--B--\n\r")]));
        let body = b"--B\nContent-Disposition: form-data; name=\"f\"\n\nx\r\n--B--";
        assert_eq!(read(body, "B"), Some(vec![named("f", b"x\r")]));
    }

    #[test]
    fn a_part_may_be_empty_and_without_a_name() {
        for (body, content) in
            [("--B\r\n\r\n\r\n--B--", ""), ("--B\r\n\r\n--B--", ""), ("--B\n\n\n\n--B--", "\n")]
        {
            assert_eq!(read(body.as_bytes(), "B"), Some(vec![(None, content.into())]), "{body:?}");
        }
        assert_eq!(read(b"--B--", "B"), Some(vec![]));
    }

    #[test]
    fn a_body_without_its_last_boundary_is_refused_wherever_it_is_cut() {
        let whole = b"--B1\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n--B1\r\n\r\ny\r\n--B1--";
        assert!(read(whole, "B1").is_some());
        for cut in 0..whole.len() {
            assert_eq!(read(&whole[..cut], "B1"), None, "{cut}");
        }
        assert_eq!(read(b"--B\r\nno head\r\n--B--", "B"), None);
        assert_eq!(read(b"--\r\n\r\n\r\n----", ""), None);
    }

    #[test]
    fn a_body_of_too_many_parts_is_refused() {
        let body = |parts: usize| "--B\n\n\n".repeat(parts) + "--B--";
        assert_eq!(read(body(MOST_PARTS).as_bytes(), "B").map(|parts| parts.len()), Some(MOST_PARTS));
        assert_eq!(read(body(MOST_PARTS + 1).as_bytes(), "B"), None);
    }

    #[test]
    fn the_boundary_is_the_parameter_of_that_name_of_a_form() {
        for (content_type, expected) in [
            ("multipart/form-data; boundary=B", Some("B")),
            (
                "Multipart/Form-Data ;charset=utf-8;  BOUNDARY = \"BOUND; \\\"ARY\" ; x=1",
                Some("BOUND; \"ARY"),
            ),
            ("multipart/form-data; comment=\"boundary=no\"; boundary=yes ", Some("yes")),
            ("multipart/form-data; boundary=\"open", Some("open")),
            ("multipart/form-data", Some("")),
            ("multipart/mixed; boundary=B", None),
            ("application/json", None),
        ] {
            assert_eq!(boundary(content_type).as_deref(), expected, "{content_type}");
        }
    }

    proptest! {
        #[test]
        fn what_is_put_into_a_form_comes_out_of_it(
            contents in proptest::collection::vec("(--B?|\r|\n|-|B|[^-]){0,12}", 0..4),
            preamble in "[a\r\n-]{0,8}",
            crlf: bool,
        ) {
            let end = if crlf { "\r\n" } else { "\n" };
            let mut body = if preamble.is_empty() { String::new() } else { preamble + end };
            for (at, content) in contents.iter().enumerate() {
                let head = format!("--Bound{end}Content-Disposition: form-data; name=\"{at}\"{end}{end}");
                body.push_str(&(head + content + end));
            }
            body.push_str("--Bound--");
            let expected: Vec<_> =
                contents.iter().enumerate().map(|(at, content)| named(&at.to_string(), content.as_bytes())).collect();
            prop_assert_eq!(read(body.as_bytes(), "Bound"), Some(expected));
        }

        #[test]
        fn any_bytes_are_parts_or_none(body in "(--B|--|\r\n|\n|:|;|=|\"|name|[a ]){0,40}", boundary in "B?") {
            if let Some(parts) = read(body.as_bytes(), &boundary) {
                prop_assert!(parts.iter().map(|(_, content)| content.len()).sum::<usize>() < body.len());
            }
        }
    }
}
