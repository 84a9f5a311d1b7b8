//! The few pages that a person sees.

use http::StatusCode;

use crate::rest::Answer;

const HTML: &str = "text/html; charset=UTF-8";

/// Text as it may stand in HTML and XML, in an attribute too.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(char),
        }
    }
    out
}

pub(super) fn page(status: StatusCode, title: &str, body: &str) -> Answer {
    let body = format!(
        "<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1>{body}</body></html>"
    );
    Answer::new(status, HTML, body)
}

/// A page with a form. `hidden` are its hidden fields, `shown` what stands between them and its end.
pub(super) fn form(title: &str, note: &str, action: &str, hidden: &[(&str, &str)], shown: &str) -> Answer {
    let note = if note.is_empty() { String::new() } else { format!("<p>{}</p>", escaped(note)) };
    let hidden: String = hidden
        .iter()
        .map(|(name, value)| format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">", escaped(value)))
        .collect();
    let body = format!("{note}<form method=\"post\" action=\"{action}\">{hidden}{shown}</form>");
    page(StatusCode::OK, title, &body)
}

/// Fields for username and password, the first filled.
pub(super) fn login_fields(username: &str) -> String {
    format!(
        "<label>Username <input name=\"username\" value=\"{}\"></label> \
         <label>Password <input name=\"password\" type=\"password\"></label> ",
        escaped(username)
    )
}

pub(super) const DECISION: &str = "<button name=\"decision\" value=\"allow\">Allow</button> \
     <button name=\"decision\" value=\"deny\">Deny</button>";

/// An error that goes to nobody's callback.
pub(super) fn error(error: &str, description: &str) -> Answer {
    let text = serde_urlencoded::to_string([("error", error), ("error_description", description)]);
    let text = text.unwrap_or_default();
    page(StatusCode::BAD_REQUEST, "OAuth Error", &format!("<p>{}</p>", escaped(&text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_sent_gets_out_of_its_attribute() {
        assert_eq!(escaped("\"><b>'&"), "&quot;&gt;&lt;b&gt;&#39;&amp;");
    }
}
