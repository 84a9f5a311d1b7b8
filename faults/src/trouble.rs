//! How each fault of the table is played: one or several ways, once or more in a row.

use sf_sim::fault::{Action, Framing, Reply, Route as On};

use crate::route::{Place, Route, Work};

/// How often in a row, where a fault can come again and is to be got over all the same.
const AGAIN: u64 = 3;
/// Bytes of a body that arrive before it breaks. Less than any body has, also compressed.
const SOON: u64 = 40;

/// Why the org gives a job up.
pub(crate) const GIVEN_UP: &str = "InternalServerError : Retried more than 20 times";

/// One way to play a fault.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    pub(crate) label: &'static str,
    pub(crate) deed: Deed,
    /// How many calls in a row are hit; none: all of them.
    pub(crate) times: Option<u64>,
    /// Whether the org compresses what it sends.
    pub(crate) gzip: bool,
}

/// What is done to a call.
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    /// One of the emulator's own faults.
    Act(Action),
    /// The org moves to its second host first; the old one has this to say.
    Move(Old),
    /// No answer comes; the org works once the client has given up.
    Silence,
    /// Somebody else aborts the job before the org sees the call, or after it has worked on it.
    Abort {
        /// Before the org sees the call.
        before: bool,
    },
}

/// What the old host of an org says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Old {
    NoSession,
    Redirect,
    Page,
}

impl Old {
    /// Its answer, where the org lives at `to` now.
    pub(crate) fn reply(self, to: &str) -> Reply {
        match self {
            Self::NoSession => Reply::error(401, "INVALID_SESSION_ID", "Session expired or invalid"),
            Self::Redirect => Reply::empty(301).header("Location", format!("{to}/")),
            Self::Page => Reply::html(404, "URL No Longer Exists"),
        }
    }
}

fn act(label: &'static str, action: Action, times: Option<u64>) -> Way {
    Way { label, deed: Deed::Act(action), times, gzip: true }
}

/// The same, once and several times in a row.
fn once_and_again(label: &'static str, action: &Action) -> Vec<Way> {
    vec![act(label, action.clone(), Some(1)), act(label, action.clone(), Some(AGAIN))]
}

/// The ways of a fault at a place; `None` for a name that nothing plays.
pub(crate) fn ways(fault: &str, route: Route, place: &Place) -> Option<Vec<Way>> {
    let login = route == Route::Token;
    let limit =
        || Action::error(400, "LIMIT_EXCEEDED", "Max bulk v2 jobs (10000) per 24 hrs has been reached");
    Some(match fault {
        "401" if login => refused_login(Some(1)),
        "401 each time" if login => refused_login(None),
        "401" => vec![act("session ended", Action::ExpireSession, Some(1))],
        "401 each time" => vec![act("session ended", Action::ExpireSession, None)],
        "403 concurrent" => once_and_again("limit", &Action::concurrent_limit()),
        "403 daily" => vec![act("limit", Action::daily_limit(), None)],
        "400 LIMIT_EXCEEDED" => vec![act("limit", limit(), None)],
        "429" => once_and_again("Retry-After: 1", &Action::too_many_requests(1)),
        "500" => once_and_again("UNKNOWN_EXCEPTION", &Action::server_error()),
        "502" => once_and_again("page", &Action::ReplyAfter(Reply::html(502, "Bad Gateway"))),
        "503" => once_and_again("page", &Action::unavailable()),
        "503 each time" => vec![act("page", Action::unavailable(), None)],
        "reset before" => once_and_again("reset", &Action::ResetBefore),
        "reset after" => once_and_again("reset", &Action::ResetAfter),
        "cut body" => cut(),
        "cut body by close" => cut_by_close(place),
        "stalled" if place.on == On::Upload => [1, AGAIN]
            .map(|times| Way { label: "no answer", deed: Deed::Silence, times: Some(times), gzip: true })
            .into(),
        "stalled" => once_and_again("in the body", &Action::stall(SOON)),
        "headers stripped" => vec![act("all", stripped(), Some(1))],
        // The list of pages has no header that matters; what it comes to without any is played once, and its pages are here.
        "headers stripped each time" if place.on == On::ResultPages => Vec::new(),
        "headers stripped each time" => vec![act("all", stripped(), None)],
        "gzip broken" => once_and_again("damaged", &Action::BrokenGzip { after: 12 }),
        "job Failed" => vec![act("given up", Action::fail_job(GIVEN_UP), Some(1))],
        "job Aborted" => aborts(route, place.work),
        "org moved, 401" => vec![moved(Old::NoSession)],
        "org moved, redirect" if login => {
            let to = Reply::empty(301)
                .header("Location", "https://elsewhere.my.salesforce.com/services/oauth2/token");
            vec![act("to another host", Action::Reply(to), Some(1))]
        }
        "org moved, 404" if login => {
            vec![act("page", Action::Reply(Old::Page.reply("")), Some(1))]
        }
        "org moved, redirect" => vec![moved(Old::Redirect)],
        "org moved, 404" => vec![moved(Old::Page)],
        _ => return None,
    })
}

/// The login carries no session: a 401 that names no refusal says nothing about what it carries.
fn refused_login(times: Option<u64>) -> Vec<Way> {
    let listed = Reply::error(401, "INVALID_SESSION_ID", "Session expired or invalid");
    vec![
        act("as to a session", Action::Reply(listed), times),
        act("without a body", Action::Reply(Reply::empty(401)), times),
    ]
}

fn moved(old: Old) -> Way {
    Way { label: "old host", deed: Deed::Move(old), times: Some(1), gzip: true }
}

/// Every header of an org that does not frame the body or tell how it is compressed.
fn stripped() -> Action {
    Action::without_headers([
        "Cache-Control",
        "Content-Security-Policy",
        "Content-Type",
        "Date",
        "ETag",
        "Last-Modified",
        "Location",
        "Set-Cookie",
        "Sforce-Limit-Info",
        "Sforce-Locator",
        "Sforce-NumberOfRecords",
        "Strict-Transport-Security",
        "Vary",
        "X-Content-Type-Options",
        "X-Robots-Tag",
        "X-XSS-Protection",
    ])
}

fn cut() -> Vec<Way> {
    let way = |label, framing, reset, times, gzip| Way {
        label,
        deed: Deed::Act(Action::Cut { after: SOON, framing, reset }),
        times: Some(times),
        gzip,
    };
    vec![
        way("compressed", Framing::Length, false, 1, true),
        way("compressed", Framing::Length, false, AGAIN, true),
        way("in chunks", Framing::Chunked, false, 1, true),
        way("plain", Framing::Length, false, AGAIN, false),
        way("plain, reset", Framing::Chunked, true, 1, false),
    ]
}

fn cut_by_close(place: &Place) -> Vec<Way> {
    let way = |label, after, times, gzip| Way {
        label,
        deed: Deed::Act(Action::cut_framed(after, Framing::Close)),
        times: Some(times),
        gzip,
    };
    let mut ways = vec![
        way("compressed", SOON, 1, true),
        way("compressed", SOON, AGAIN, true),
        way("plain", SOON, 1, false),
        way("nothing of it", 0, 1, false),
    ];
    if let Some(end) = end_of_a_row(place) {
        // What is left looks whole.
        ways.push(way("plain, at the end of a row", end, AGAIN, false));
    }
    ways
}

/// Bytes up to the end of a row of the CSV that is read at this place, as [`crate::org`] fills the org.
pub(crate) fn end_of_a_row(place: &Place) -> Option<u64> {
    let (header, row, rows) = match (&place.on, place.work) {
        (On::Results, _) => ("\"Id\",\"Name\"\n", "\"0015i0000000001AAA\",\"row 0001\"\n", 5),
        (On::SuccessfulResults, _) => (
            "\"sf__Id\",\"sf__Created\",Name,Phone\n",
            "\"0015i0000000001AAA\",\"true\",\"row 0001\",\"5550001\"\n",
            3,
        ),
        (On::FailedResults, _) => (
            "\"sf__Id\",\"sf__Error\",Name,Phone\n",
            "\"\",\"REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --\",\"\",\"5550001\"\n",
            1,
        ),
        _ => return None,
    };
    u64::try_from(header.len() + row.len() * rows).ok()
}

fn aborts(route: Route, work: Work) -> Vec<Way> {
    let way = |label, before| Way { label, deed: Deed::Abort { before }, times: Some(1), gzip: true };
    match route {
        Route::Create | Route::CreateWithData => vec![way("just made", false)],
        // A query job has nothing between its creation and the first look at it.
        Route::Poll if work == Work::JobToRows => vec![way("before it is asked", true), way("after", false)],
        Route::Poll | Route::Upload | Route::UploadInLoad | Route::Close => {
            vec![way("before", true), way("after", false)]
        }
        _ => vec![way("half way", false)],
    }
}
