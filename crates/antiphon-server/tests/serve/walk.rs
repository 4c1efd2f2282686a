//! Every route, every method, every way to write a path: without a key nothing is answered but health and
//! the page's own files.

use crate::rig::{Answer, request, serve};

const METHODS: [&str; 8] = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE"];

/// Ways to write a path that a lax reader takes for the same.
fn disguises(path: &str) -> Vec<String> {
    let inner = path.trim_start_matches('/');
    vec![
        path.to_owned(),
        format!("/{path}"),
        format!("{path}/"),
        format!("{path}//"),
        format!("/.{path}"),
        format!("/x/..{path}"),
        path.to_uppercase(),
        format!("/%2F{inner}"),
        path.replacen("/v", "/%76", 1),
        format!("{path}%00"),
        format!("{path};x=1"),
        format!("{path}?x=/health/live"),
        format!("{path}#/health/live"),
        format!("/health/live/..{path}"),
        format!("/llm-engine{path}"),
        format!("/llm-engine/llm-engine{path}"),
        format!("http://localhost{path}"),
    ]
}

#[tokio::test]
async fn without_a_key_nothing_is_answered_that_says_anything() {
    let server = serve("[[serve.keys]]\nname = \"a\"\nkey = \"k\"\n").await;
    let description = server.get("/openapi.json", &[("x-api-key", "k")]).await.json();
    let paths = description["paths"].as_object().unwrap();
    assert!(paths.len() > 5);
    let open: Vec<&str> = paths
        .iter()
        .filter(|(_, methods)| methods["get"]["security"].as_array().is_some_and(Vec::is_empty))
        .map(|(path, _)| path.as_str())
        .collect();
    let health = ["/health/live", "/health/ready", "/healthcheck", "/healthz", "/readyz"];
    let page = ["/", "/page.css", "/page.js", "/page.svg"];
    assert_eq!(open, [&health[..], &page[..]].concat());
    for path in paths.keys().filter(|path| !open.contains(&path.as_str())) {
        let path = path.replace(['{', '}'], "");
        for disguise in disguises(&path) {
            for method in METHODS {
                let answer = server.send(&request(method, &disguise, &[], b"")).await;
                assert!(matches!(answer.status, 401 | 400), "{method} {disguise}: {answer:?}");
            }
        }
    }
    for path in open {
        for prefix in ["", "/llm-engine"] {
            let path = format!("{prefix}{path}");
            assert_eq!(server.get(&path, &[]).await.status, 200, "{path}");
            let disguises = [format!("/{path}"), format!("{path}/x"), path.to_uppercase()];
            // A slash has no other case.
            for disguise in disguises.into_iter().filter(|disguise| *disguise != path) {
                assert_eq!(server.get(&disguise, &[]).await.status, 401, "{disguise}");
            }
        }
    }
}

#[tokio::test]
async fn what_is_not_there_is_told_in_the_faces_words() {
    let server = serve("").await;
    let error = |answer: Answer| (answer.status, answer.message());
    let (status, message) = error(server.get("/v1/chat/completion", &[]).await);
    assert!(status == 404 && message.contains("/openapi.json"), "{message}");
    let answer = server.get("/v1/chat/completions", &[]).await;
    assert_eq!(answer.header("allow"), Some("POST"));
    let (status, message) = error(answer);
    assert!(status == 405 && message.contains("takes POST, not GET"), "{message}");
    assert_eq!(server.send(&request("HEAD", "/v1/models", &[], b"")).await.status, 200);
}
