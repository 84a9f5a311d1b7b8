//! A job and its data in one `multipart/form-data` body.

use bytes::Bytes;

/// One part of a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) name: String,
    pub(super) content: Bytes,
}

/// The boundary that a `Content-Type` names, where it is that of a form.
pub(super) fn boundary(content_type: &str) -> Option<String> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.trim().split_once('=')?;
        name.eq_ignore_ascii_case("boundary").then(|| value.trim_matches('"').to_owned())
    });
    boundary.filter(|boundary| !boundary.is_empty())
}

/// The parts of a body; none where it is not made of parts.
pub(super) fn parts(body: &Bytes, boundary: &str) -> Option<Vec<Part>> {
    let mark = format!("--{boundary}");
    let mut at = find(body, mark.as_bytes(), 0)? + mark.len();
    let mut parts = Vec::new();
    loop {
        if body.get(at..)?.starts_with(b"--") {
            return Some(parts);
        }
        // Some clients end lines of the frame with a line feed alone.
        let start = at + find(body.get(at..)?, b"\n", 0)? + 1;
        let next = find(body, mark.as_bytes(), start)?;
        parts.push(part(body, start, next)?);
        at = next + mark.len();
    }
}

fn part(body: &Bytes, start: usize, next: usize) -> Option<Part> {
    let whole = body.get(start..next)?;
    let (head, behind) = match (find(whole, b"\r\n\r\n", 0), find(whole, b"\n\n", 0)) {
        (Some(crlf), lf) if lf.is_none_or(|lf| crlf < lf) => (crlf, crlf + 4),
        (_, Some(lf)) => (lf, lf + 2),
        _ => return None,
    };
    let headers = std::str::from_utf8(whole.get(..head)?).ok()?;
    let name = headers.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        if !name.trim().eq_ignore_ascii_case("content-disposition") {
            return None;
        }
        value.split(';').find_map(|parameter| {
            let value = parameter.trim().strip_prefix("name=")?;
            Some(value.trim_matches('"').to_owned())
        })
    })?;
    // The line end before a boundary belongs to the boundary.
    let content = whole.get(behind..)?;
    let content = content.strip_suffix(b"\n").unwrap_or(content);
    let content = content.strip_suffix(b"\r").unwrap_or(content);
    Some(Part { name, content: body.slice_ref(content) })
}

fn find(body: &[u8], wanted: &[u8], from: usize) -> Option<usize> {
    let rest = body.get(from..)?;
    rest.windows(wanted.len().max(1)).position(|window| window == wanted).map(|at| at + from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_taken_apart() {
        let content_type = "multipart/form-data; charset=utf-8; boundary=\"BOUND ARY\"";
        let boundary = boundary(content_type).unwrap();
        for end in ["\r\n", "\n"] {
            let body = [
                "preamble",
                "--BOUND ARY",
                "Content-Type: application/json",
                "Content-Disposition: form-data; name=\"job\"",
                "",
                "{\"object\":\"Account\"}",
                "--BOUND ARY",
                "content-disposition: form-data; name=\"content\"; filename=\"content\"",
                "",
                "Name",
                "x--y",
                "",
                "--BOUND ARY--",
            ]
            .join(end);
            let parts = parts(&Bytes::from(body), &boundary).unwrap();
            let told: Vec<_> = parts.iter().map(|part| (part.name.as_str(), part.content.as_ref())).collect();
            let content = format!("Name{end}x--y{end}");
            assert_eq!(told, [("job", &b"{\"object\":\"Account\"}"[..]), ("content", content.as_bytes())]);
        }
    }

    #[test]
    fn what_is_no_form_is_refused() {
        assert_eq!(boundary("application/json"), None);
        assert_eq!(boundary("multipart/form-data; charset=utf-8"), None);
        for body in
            ["", "--B", "--B\r\n", "--B\r\nno head\r\n--B--", "--B\r\nContent-Type: x\r\n\r\ny\r\n--B--"]
        {
            assert_eq!(parts(&Bytes::from(body), "B"), None, "{body:?}");
        }
    }
}
