//! Proxies, of `config.toml` and of the environment: row 19.

use std::process::Command;

use antiphon::config::Config;
use antiphon::{Client, Kind};
use antiphon_testkit::faultd::{Certificate, Faultd, Options, Reply, Script};
use serde_json::json;

use crate::rig::{CELLS, Cell, OPENAI, TEXT, client, configured, run, settled, sweep};

const PASSWORD: &str = "canary:password";

fn through(proxy: &str, upstream: Option<&Faultd>) -> Client {
    let mut config = Config::default();
    config.http.proxy = Some(proxy.to_owned().into());
    let file = upstream.and_then(Faultd::ca_pem).map(|pem| {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file, pem.as_bytes()).unwrap();
        file
    });
    config.http.ca_file = file.as_ref().map(|file| file.path().to_owned());
    configured(config)
}

fn tunnel_to(upstream: &Faultd) -> Reply {
    Reply { times: None, ..Reply::tunnel(format!("127.0.0.1:{}", upstream.port())) }.on_method("CONNECT")
}

#[tokio::test]
async fn row_19_a_proxy_of_the_configuration() {
    for cell in CELLS {
        // Without TLS the proxy is asked for the whole address.
        let proxy = Faultd::start(cell.answer());
        let outcome = run(&through(&proxy.url(), None), cell.call("http://far.example", json!({}))).await;
        assert_eq!(outcome.summary(), (TEXT, None), "{:?}", outcome.result);
        assert_eq!(proxy.requests()[0].target, format!("http://far.example{}", cell.path()));

        // With it, for a way through; and it sees nothing of what goes there.
        let upstream = Options::new().tls(Certificate::Valid).start(cell.answer());
        let proxy = Faultd::start(Script::from(tunnel_to(&upstream)));
        let address = proxy.url().replace("http://", "http://user:canary%3Apassword@");
        let client = through(&address, Some(&upstream));
        let outcome = run(&client, cell.call(&upstream.url(), json!({}))).await;
        assert_eq!(outcome.summary(), (TEXT, None), "{:?}", outcome.result);
        sweep(&format!("{client:?} {:?}", client.config()));
        let asked = &proxy.requests()[0];
        assert_eq!(
            (asked.method.as_str(), asked.target.as_str()),
            ("CONNECT", &upstream.url()["https://".len()..])
        );
        assert!(asked.header("proxy-authorization").is_some_and(|value| value.starts_with("Basic ")));
        let requests = settled(&upstream).await.requests;
        assert_eq!((requests.len(), requests[0].header("proxy-authorization")), (1, None));
    }
}

#[tokio::test]
async fn row_19_a_proxy_that_does_not_let_through() {
    let wants = Reply::status(407).header("proxy-authenticate", "Basic realm=\"x\"").times(9);
    for cell in CELLS {
        for (reply, words) in
            [(wants.clone(), "asks for credentials"), (Reply::status(403).times(9), "refuses to connect")]
        {
            let upstream = Options::new().tls(Certificate::Valid).start(cell.answer());
            let proxy = Faultd::start(reply);
            let address =
                proxy.url().replace("http://", &format!("http://user:{}@", PASSWORD.replace(':', "%3A")));
            let error =
                run(&through(&address, Some(&upstream)), cell.call(&upstream.url(), json!({}))).await.error();
            assert_eq!((error.kind(), error.tried().len()), (Kind::Connection, 1), "{error}");
            assert!(error.message().contains(words), "{error}");
            assert!(upstream.requests().is_empty());
        }
        let proxy = Faultd::start(wants.clone());
        let error =
            run(&through(&proxy.url(), None), cell.call("http://far.example", json!({}))).await.error();
        assert_eq!((error.kind(), error.received_status()), (Kind::Connection, Some(407)));
        let gone = antiphon_testkit::faultd::refused_port();
        let error =
            run(&through(&gone.url(), None), cell.call("http://far.example", json!({}))).await.error();
        assert_eq!(error.kind(), Kind::Connection, "{error}");
    }
    for odd in ["canary password", "ftp://canary@x", ""] {
        let client = through(odd, None);
        let outcome = run(&client, OPENAI.call("http://far.example", json!({"max_retries": 0}))).await;
        let error = outcome.error();
        assert!(matches!(error.kind(), Kind::Config | Kind::Connection), "{odd}: {error}");
    }
}

/// The child's side of [`row_19_proxies_of_the_environment`]: one call, whose text it prints.
#[test]
#[ignore = "the environment is a process's own: another test runs this one in a process"]
fn child_that_calls() {
    let (Ok(url), runtime) = (std::env::var("FAULTS_URL"), tokio::runtime::Builder::new_current_thread())
    else {
        return;
    };
    let mut runtime = runtime;
    let runtime = runtime.enable_all().build().unwrap();
    let outcome = runtime.block_on(run(&client(), OPENAI.call(&url, json!({"max_retries": 0}))));
    println!("came: {:?} {:?}", outcome.text, outcome.result.err());
}

fn child(url: &str, variables: &[(&str, &str)]) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "proxies::child_that_calls", "--ignored", "--nocapture"]);
    for name in [
        "HTTPS_PROXY",
        "https_proxy",
        "HTTP_PROXY",
        "http_proxy",
        "ALL_PROXY",
        "all_proxy",
        "NO_PROXY",
        "no_proxy",
    ] {
        command.env_remove(name);
    }
    let output = command.env("FAULTS_URL", url).envs(variables.iter().copied()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("came: "), "{text} {}", String::from_utf8_lossy(&output.stderr));
    text
}

#[tokio::test]
async fn row_19_proxies_of_the_environment() {
    let cell: Cell = OPENAI;
    let upstream = Options::new().tls(Certificate::Valid).start(cell.answer());
    let plain = Faultd::start(cell.answer());
    let proxy = Faultd::start(Script::new().forever(tunnel_to(&upstream)).forever(cell.answer()));
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), upstream.ca_pem().unwrap()).unwrap();
    let trusted = ("SSL_CERT_FILE", file.path().to_str().unwrap());
    let address = proxy.url();

    let text = child("http://far.example", &[("HTTP_PROXY", &address)]);
    assert!(text.contains(TEXT), "{text}");
    assert_eq!(proxy.requests()[0].target, format!("http://far.example{}", cell.path()));

    let text = child(&upstream.url(), &[("HTTPS_PROXY", &address), trusted]);
    assert!(text.contains(TEXT), "{text}");
    assert_eq!(proxy.requests()[1].method, "CONNECT");

    // What is excepted goes straight there; so does what no variable names.
    proxy.clear();
    let text =
        child(&upstream.url(), &[("HTTPS_PROXY", &address), ("NO_PROXY", "a.example,localhost"), trusted]);
    assert!(text.contains(TEXT), "{text}");
    let text = child(&plain.url(), &[("HTTP_PROXY", &address), ("NO_PROXY", "127.0.0.0/8")]);
    assert!(text.contains(TEXT), "{text}");
    let text = child(&plain.url(), &[("HTTPS_PROXY", &address)]);
    assert!(text.contains(TEXT), "{text}");
    assert!(proxy.requests().is_empty());
}
