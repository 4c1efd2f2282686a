//! Files, uploaded as the clients do it.

use antiphon_testkit::faultd::Faultd;
use serde_json::json;

use crate::rig::{Answer, Running, config, request, serve};
use crate::scene::{check, text};

const FORM: (&str, &str) = ("content-type", "multipart/form-data; boundary=x1");

pub(crate) fn form(field: &str, filename: &str, content: &str) -> String {
    format!(
        "--x1\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{filename}\"\r\n\r\n{content}\r\n--x1--\r\n"
    )
}

async fn call(server: &Running, key: &str, method: &str, path: &str, body: &str) -> Answer {
    let headers = if body.is_empty() { vec![("x-api-key", key)] } else { vec![("x-api-key", key), FORM] };
    server.send(&request(method, path, &headers, body.as_bytes())).await
}

#[tokio::test]
async fn a_file_is_its_keys_alone() {
    let upstream = Faultd::start(text("x"));
    let keys = "[[serve.keys]]\nname = \"a\"\nkey = \"ka\"\n[[serve.keys]]\nname = \"b\"\nkey = \"kb\"\n";
    let server = serve(&config(&upstream, keys)).await;
    let body = form("file", "../rows.csv", "prompt,response\né,b\n");
    let id = call(&server, "ka", "POST", "/v1/files", &body).await.json()["id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("file-"), "{id}");
    let file = json!({"id": id, "filename": "rows.csv", "size": 21});
    let path = format!("/v1/files/{id}");
    assert_eq!(call(&server, "ka", "GET", &path, "").await.json(), file);
    assert_eq!(call(&server, "ka", "GET", "/v1/files", "").await.json(), json!({"files": [file]}));
    let content = call(&server, "ka", "GET", &format!("{path}/content"), "").await;
    assert_eq!(content.json(), json!({"id": id, "content": "prompt,response\né,b\n"}));

    assert_eq!(call(&server, "kb", "GET", "/v1/files", "").await.json(), json!({"files": []}));
    for (method, path) in
        [("GET", path.clone()), ("GET", format!("{path}/content")), ("DELETE", path.clone())]
    {
        check(&call(&server, "kb", method, &path, "").await, 404, "no file");
    }
    assert_eq!(call(&server, "ka", "DELETE", &path, "").await.json(), json!({"deleted": true}));
    check(&call(&server, "ka", "DELETE", &path, "").await, 404, "no file");
}

#[tokio::test]
async fn what_is_no_form_with_a_file_is_refused() {
    let upstream = Faultd::start(text("x"));
    let server = serve(&config(&upstream, "[serve]\nmax_body_mib = 1\n")).await;
    let large = form("file", "a", &"x".repeat(1 << 20));
    check(&call(&server, "k", "POST", "/v1/files", &form("data", "a", "b")).await, 400, "file: is required");
    check(
        &call(&server, "k", "POST", "/v1/files", &form("file", "a\tb", "b")).await,
        400,
        "control characters",
    );
    check(&call(&server, "k", "POST", "/v1/files", "--x1\r\nhalf").await, 400, "no form");
    check(&call(&server, "k", "POST", "/v1/files", &large).await, 413, "1 MiB");
    check(&server.post("/v1/files", &[], "{}").await, 400, "multipart/form-data");
}
