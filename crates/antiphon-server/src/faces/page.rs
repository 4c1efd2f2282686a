//! The page at `/`: what runs, and a playground. Its files hold no data and are everybody's; what it shows
//! comes from routes that ask for a key.

use axum::body::Body;
use axum::response::Response;
use axum::routing::{MethodRouter, get};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::engines;
use crate::face::{self, Face};
use crate::routes::{Access, Route};
use crate::ticket::Caller;

/// One file, as the browser gets it.
struct File {
    content: &'static str,
    content_type: &'static str,
}

static HTML: File =
    File { content: include_str!("../page/page.html"), content_type: "text/html; charset=utf-8" };
static CSS: File =
    File { content: include_str!("../page/page.css"), content_type: "text/css; charset=utf-8" };
static JS: File =
    File { content: include_str!("../page/page.js"), content_type: "text/javascript; charset=utf-8" };
static ICON: File = File { content: include_str!("../page/page.svg"), content_type: "image/svg+xml" };

/// What a browser may do with them: nothing but fetch from here, and make elements from text alone.
const HEADERS: [(HeaderName, &str); 6] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
         trusted-types 'none'",
    ),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (CACHE_CONTROL, "no-cache"),
];

const fn open(path: &'static str, summary: &'static str, handler: fn() -> MethodRouter) -> Route {
    Route { method: "GET", path, face: Face::OpenAi, access: Access::Open, summary, body: None, handler }
}

pub(crate) static ROUTES: &[Route] = &[
    open("/", "A page that shows what runs, with a playground.", || {
        get(async |h: HeaderMap| HTML.answer(&h))
    }),
    open("/page.css", "How it looks.", || get(async |h: HeaderMap| CSS.answer(&h))),
    open("/page.js", "What it does.", || get(async |h: HeaderMap| JS.answer(&h))),
    open("/page.svg", "Its icon.", || get(async |h: HeaderMap| ICON.answer(&h))),
    Route {
        access: Access::Unlimited,
        ..open(
            "/v1/antiphon/status",
            "What runs: sums by model since the start, quantiles of the last 256 answers of each, and the last \
             50 calls, of the models that this key may ask. Takes no place and no part of a key's pace.",
            || get(status),
        )
    },
];

impl File {
    fn answer(&self, asked: &HeaderMap) -> Response {
        let etag = self.etag();
        // What stands between may have made it a weak one, or sent several.
        let is_known = asked
            .get_all(IF_NONE_MATCH)
            .iter()
            .any(|tags| tags.to_str().is_ok_and(|tags| tags.contains(&etag)));
        let mut response = Response::new(if is_known { Body::empty() } else { self.content.into() });
        if is_known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        }
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        headers.extend(HeaderValue::try_from(etag).map(|etag| (ETAG, etag)));
        headers.extend(HEADERS.map(|(name, value)| (name, HeaderValue::from_static(value))));
        response
    }

    /// Made of its content: a new version is seen at once, and an old one not sent again.
    fn etag(&self) -> String {
        let digest = Sha256::digest(self.content);
        let digits: String = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        format!("\"{digits}\"")
    }
}

async fn status(caller: Caller) -> Response {
    let key = caller.key.as_deref();
    let mut status = caller.app.calls.seen_by(key);
    status["object"] = "antiphon.status".into();
    status["version"] = env!("CARGO_PKG_VERSION").into();
    status["uptime_seconds"] = json!(caller.app.started.elapsed().as_secs_f64());
    // How busy the server is with other models is not for keys of some.
    if key.is_none_or(|key| key.allows_all()) {
        let limit = caller.live.settings.max_in_flight as usize;
        let taken = limit.saturating_sub(caller.live.in_flight.available_permits());
        status["in_flight"] = taken.into();
        status["max_in_flight"] = limit.into();
        status["engines"] = engines::to_json(&caller.live.client);
    }
    let mut response = face::json(StatusCode::OK, status.to_string());
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
