//! Each thing that faultd can do, tried with a bare socket: what came, and how it ended.
//!
//! Bounds of time are ten times what is meant.
#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::io::{BufRead, BufReader, ErrorKind, Read as _, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use antiphon_testkit::faultd::{
    self, Auto, Cut, End, Faultd, Framing, How, OnConnect, Read, Record, Reply, Script, Step, Tongue,
    anthropic, openai,
};
use serde_json::{Value, json};
use socket2::SockRef;

const REQUEST: &[u8] = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}";
const SECOND: Duration = Duration::from_secs(1);

/// How a connection looked from the client's side when nothing more came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Fin,
    Rst,
    Open,
}

fn connect(upstream: &Faultd) -> TcpStream {
    connect_to(upstream.port()).unwrap()
}

fn connect_to(port: u16) -> std::io::Result<TcpStream> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let socket = TcpStream::connect_timeout(&address, Duration::from_millis(300))?;
    socket.set_read_timeout(Some(Duration::from_millis(200)))?;
    socket.set_nodelay(true)?;
    Ok(socket)
}

/// Sends a request and leaves the answer unread.
fn ask(upstream: &Faultd) -> TcpStream {
    let mut socket = connect(upstream);
    socket.write_all(REQUEST).unwrap();
    socket
}

fn read_on(socket: &mut TcpStream) -> (Vec<u8>, Ending) {
    let mut bytes = Vec::new();
    let mut buffer = [0; 65536];
    loop {
        match socket.read(&mut buffer) {
            Ok(0) => return (bytes, Ending::Fin),
            Ok(n) => bytes.extend_from_slice(&buffer[..n]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return (bytes, Ending::Rst),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return (bytes, Ending::Open),
            Err(error) => panic!("{error}"),
        }
    }
}

/// What a request of its own is answered with.
fn answer(upstream: &Faultd) -> (Vec<u8>, Ending) {
    read_on(&mut ask(upstream))
}

fn text(upstream: &Faultd) -> String {
    String::from_utf8(answer(upstream).0).unwrap()
}

fn check(reply: Reply, expected: &[u8], ending: Ending) {
    let upstream = Faultd::start(reply);
    let (bytes, end) = answer(&upstream);
    assert_eq!(String::from_utf8_lossy(&bytes), String::from_utf8_lossy(expected));
    assert_eq!(end, ending);
}

fn reset(socket: TcpStream) {
    SockRef::from(&socket).set_linger(Some(Duration::ZERO)).unwrap();
}

#[test]
fn an_answer_is_written_as_it_is_scripted() {
    let hi = b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 1\r\ncontent-length: 2\r\n\r\nhi";
    check(Reply::status(429).header("retry-after", "1").body("hi"), hi, Ending::Open);
    check(Reply::status(204), b"HTTP/1.1 204 No Content\r\n\r\n", Ending::Open);
    check(
        Reply::status(200).header("Content-Length", "9").body("hi").close(),
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi",
        Ending::Fin,
    );
    check(
        Reply::status(200).before("HTTP/1.1 103 Early Hints\r\n\r\n").body("hi"),
        b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi",
        Ending::Open,
    );
    check(
        Reply::status(200).framing(Framing::Chunked).body("0123456789abcdef").body("g"),
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n10\r\n0123456789abcdef\r\n1\r\ng\r\n0\r\n\r\n",
        Ending::Open,
    );
    check(Reply::raw("HTTP/1.1 20"), b"HTTP/1.1 20", Ending::Fin);
    check(Reply::raw(b"\x00\xff\xfe garbage"), b"\x00\xff\xfe garbage", Ending::Fin);
    let long = "x".repeat(64 * 1024);
    let expected = format!("HTTP/1.1 200 OK\r\nx: {long}\r\ncontent-length: 0\r\n\r\n");
    check(Reply::status(200).header("x", long), expected.as_bytes(), Ending::Open);
}

#[test]
fn replies_come_in_order_and_the_last_repeats() {
    let upstream = Faultd::start(
        Script::new()
            .reply(Reply::status(500))
            .reply(Reply::status(200).body("a").times(2))
            .reply(Reply::status(200).body("b")),
    );
    let mut socket = connect(&upstream);
    for expected in ["content-length: 0\r\n\r\n", "\r\n\r\na", "\r\n\r\na", "\r\n\r\nb", "\r\n\r\nb"] {
        socket.write_all(REQUEST).unwrap();
        let (bytes, _) = read_on(&mut socket);
        assert!(String::from_utf8(bytes).unwrap().ends_with(expected), "{expected}");
    }
    let record = upstream.record();
    assert_eq!((record.requests.len(), record.accepted, record.open), (5, 1, 1));
    assert_eq!(record.connections[0].requests, 5);
}

#[test]
fn a_reply_is_chosen_by_what_it_is_for() {
    let upstream = Faultd::start(
        Script::new()
            .forever(Reply::raw("path").on_path("/v1/messages"))
            .forever(Reply::raw("method").on_method("GET"))
            .forever(Reply::raw("third").on_nth(3))
            .forever(Reply::status(200).body("reused").close().on_reused())
            .forever(Reply::status(200).body("any")),
    );
    let ask = |request: &str| {
        let mut socket = connect(&upstream);
        socket.write_all(request.as_bytes()).unwrap();
        (String::from_utf8(read_on(&mut socket).0).unwrap(), socket)
    };
    assert_eq!(ask("POST /v1/messages?beta=true HTTP/1.1\r\n\r\n").0, "path");
    assert_eq!(ask("GET / HTTP/1.1\r\n\r\n").0, "method");
    assert_eq!(ask("POST / HTTP/1.1\r\n\r\n").0, "third");
    let (first, mut socket) = ask("POST / HTTP/1.1\r\n\r\n");
    assert!(first.ends_with("any"), "{first}");
    socket.write_all(REQUEST).unwrap();
    assert!(read_on(&mut socket).0.ends_with(b"reused"));

    let nothing = Faultd::start(Script::new());
    assert!(text(&nothing).contains("the script has no reply"));
}

#[test]
fn a_request_is_recorded() {
    let upstream = Faultd::start(openai::text("hi"));
    let mut socket = connect(&upstream);
    socket
        .write_all(
            b"POST http://other.example/v1?x=1 HTTP/1.1\r\nX-One: 1\r\nx-one: 2\r\ncontent-length: 3\r\n\r\n",
        )
        .unwrap();
    std::thread::sleep(Duration::from_millis(20));
    assert!(upstream.requests().is_empty(), "it is recorded when its body is there");
    socket.write_all(b"\xff\x00!").unwrap();
    let (bytes, _) = read_on(&mut socket);
    socket.write_all(b"POST /2 HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n").unwrap();
    socket.write_all(b"1;x=y\r\nc\r\n0\r\n\r\n").unwrap();
    assert!(upstream.wait_for(|record| record.requests.len() == 2, SECOND));

    let requests = upstream.requests();
    let first = &requests[0];
    assert_eq!((first.number, first.connection, first.method.as_str()), (1, 1, "POST"));
    assert_eq!((first.target.as_str(), first.version), ("http://other.example/v1?x=1", "HTTP/1.1"));
    assert_eq!(first.headers[..2], [("X-One".into(), "1".into()), ("x-one".into(), "2".into())]);
    assert_eq!(first.header("X-ONE"), Some("1"));
    assert_eq!(&first.body[..], b"\xff\x00!");
    assert_eq!(first.written, bytes.len() as u64);
    assert!(first.ended_ms.is_some() && first.closed.is_none());
    assert_eq!(requests[1].text(), "abc");

    upstream.clear();
    assert!(upstream.requests().is_empty());
    assert_eq!(upstream.record().requested, 2);
}

#[test]
fn heads_of_any_size_and_in_any_pieces_are_read() {
    let upstream = Faultd::start(openai::text("hi"));
    let many: String = (0..500).map(|n| format!("x-{n}: {}\r\n", "y".repeat(200))).collect();
    for request in [format!("GET / HTTP/1.1\r\n{many}\r\n"), "PUT /a HTTP/1.0\r\n\r\n".into()] {
        for size in [1, 7, usize::MAX] {
            let mut socket = connect(&upstream);
            for piece in request.as_bytes().chunks(if request.len() > 1000 { size.max(1000) } else { size }) {
                socket.write_all(piece).unwrap();
            }
            assert!(read_on(&mut socket).0.starts_with(b"HTTP/1.1 200 OK\r\n"));
        }
    }
    let mut socket = connect(&upstream);
    socket.write_all(b"this is no request\r\n\r\n").unwrap();
    let (bytes, end) = read_on(&mut socket);
    assert!(bytes.starts_with(b"HTTP/1.1 400 "));
    assert_eq!(end, Ending::Fin);
}

#[test]
fn events_are_paced() {
    let upstream = Faultd::start(Reply::sse(["1", "2", "3"]).after(60).every(40));
    let mut socket = ask(&upstream);
    let start = Instant::now();
    let mut arrivals = Vec::new();
    let mut buffer = [0; 1024];
    while arrivals.len() < 3 {
        assert_ne!(socket.read(&mut buffer).unwrap(), 0);
        arrivals.push(start.elapsed().as_millis());
    }
    for (arrival, at_least) in arrivals.iter().zip([55, 95, 135]) {
        assert!((at_least..at_least + 1000).contains(arrival), "{arrivals:?}");
    }
}

#[test]
fn an_answer_is_cut_at_any_byte() {
    let reply = Reply::sse(["1", "22"]);
    let whole = answer(&Faultd::start(reply.clone())).0;
    let upstream = Faultd::start(Script::new());
    for (end, ending) in [(End::Fin, Ending::Fin), (End::Rst, Ending::Rst), (End::KeepAlive, Ending::Fin)] {
        for at in 0..=whole.len() {
            upstream.script(reply.clone().cut_after_bytes(at as u64).end(end));
            let (bytes, how) = answer(&upstream);
            assert_eq!((bytes.as_slice(), how), (&whole[..at], ending), "cut at {at}");
        }
    }
    let written = upstream.requests().iter().map(|request| request.written).max();
    assert_eq!(written, Some(whole.len() as u64));
}

#[test]
fn a_step_cuts_before_the_end_of_the_chunks() {
    for (cut, ending) in [(Cut::Fin, Ending::Fin), (Cut::Rst, Ending::Rst)] {
        let expected = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n";
        let reply = Reply::status(200).framing(Framing::Chunked).body("a");
        check(reply.step(Step::Sleep(20)).step(Step::Cut(cut)), expected, ending);
        check(Reply::cut(cut), b"", ending);
    }
}

#[test]
fn a_connection_ends_before_the_request_is_read() {
    // More than the socket's buffers take: what is not read stays with the client.
    let mut large = b"POST / HTTP/1.1\r\ncontent-length: 30000000\r\n\r\n".to_vec();
    large.resize(30_000_000, b'x');
    for read in [Read::Nothing, Read::Head, Read::Whole] {
        for (cut, ending) in [(Cut::Fin, Ending::Fin), (Cut::Rst, Ending::Rst)] {
            let upstream = Faultd::start(Reply::cut(cut).read(read));
            assert_eq!(answer(&upstream), (Vec::new(), ending), "{read:?}");
            let requests = upstream.requests();
            assert_eq!(requests[0].method.is_empty(), read == Read::Nothing);
            assert_eq!(requests[0].body.is_empty(), read != Read::Whole);
        }
        if read != Read::Whole {
            let upstream = Faultd::start(Reply::cut(Cut::Rst).read(read));
            let error = connect(&upstream).write_all(&large).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{error}");
        }
    }
    // An answer before the body is read.
    let upstream = Faultd::start(Reply::status(413).read(Read::Head));
    let mut socket = connect(&upstream);
    socket.write_all(b"POST / HTTP/1.1\r\ncontent-length: 30000000\r\n\r\n").unwrap();
    assert!(read_on(&mut socket).0.starts_with(b"HTTP/1.1 413 "));
}

#[test]
fn bytes_drip() {
    let drip = Step::Drip { bytes: "abcdef".into(), n: 2, every_ms: 30 };
    let upstream = Faultd::start(Reply::status(200).step(drip));
    let start = Instant::now();
    let (bytes, _) = answer(&upstream);
    assert!(bytes.ends_with(b"content-length: 6\r\n\r\nabcdef"), "{}", bytes.escape_ascii());
    assert!(start.elapsed() >= Duration::from_millis(60));
}

/// Replies that are under way when the client leaves.
fn unfinished() -> Vec<(&'static str, Reply)> {
    let endless = Step::Repeat { bytes: ": keep-alive\n\n".into(), every_ms: 0, times: None };
    let slow = Step::Repeat { bytes: ": keep-alive\n\n".into(), every_ms: 20, times: None };
    let drip = Step::Drip { bytes: "x".repeat(10_000).into(), n: 1, every_ms: 30 };
    vec![
        ("hangs", Reply::hang()),
        ("hangs after the head", Reply::sse([""; 0]).step(Step::Hang)),
        ("hangs at its end", Reply::status(200).body("x").end(End::Hang)),
        ("hangs where it is cut", Reply::status(200).body("xyz").cut_after_bytes(9).end(End::Hang)),
        ("sleeps before it", openai::text("hi").after(60_000)),
        ("sleeps", Reply::sse(["1", "2"]).every(60_000)),
        ("drips", Reply::status(200).step(drip)),
        ("repeats slowly", Reply::sse([""; 0]).step(slow)),
        ("repeats fast", Reply::sse([""; 0]).step(endless)),
        ("is larger than the buffers", Reply::status(200).body(vec![0; 50_000_000])),
    ]
}

#[test]
fn a_peer_that_leaves_is_noticed_at_once() {
    for (what, reply) in unfinished() {
        for (how, leave) in [(How::Fin, drop as fn(TcpStream)), (How::Rst, reset as fn(TcpStream))] {
            let upstream = Faultd::start(reply.clone());
            let mut socket = ask(&upstream);
            assert!(upstream.wait_for(|record| record.in_flight == 1, SECOND), "{what}");
            std::thread::sleep(Duration::from_millis(30));
            if how == How::Fin {
                // Closing with bytes unread would be a reset.
                SockRef::from(&socket).shutdown(std::net::Shutdown::Write).unwrap();
                while !matches!(read_on(&mut socket), (_, Ending::Fin | Ending::Rst)) {}
            }
            let left_ms = upstream.now_ms();
            leave(socket);
            assert!(upstream.wait_for(|record| record.closed() == 1 && record.open == 0, SECOND), "{what}");
            let request = upstream.requests().remove(0);
            let closed = request.closed.unwrap();
            assert_eq!(closed.how, how, "{what}");
            if how == How::Rst {
                assert!((left_ms..left_ms + 1000.0).contains(&closed.at_ms), "{what}: {left_ms} {closed:?}");
            }
            assert_eq!(upstream.record().connections[0].closed.unwrap().how, how);
        }
    }
}

#[test]
fn a_peer_that_leaves_in_the_middle_of_its_request_is_noticed() {
    let upstream = Faultd::start(openai::text("hi"));
    let mut socket = connect(&upstream);
    socket.write_all(b"POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\nhalf").unwrap();
    drop(socket);
    assert!(upstream.wait_for(|record| record.closed() == 1, SECOND));
    assert_eq!(upstream.requests()[0].text(), "half");
    let socket = connect(&upstream);
    drop(socket);
    assert!(upstream.wait_for(|record| record.accepted == 2 && record.open == 0, SECOND));
    assert_eq!(upstream.requests().len(), 1);
}

#[test]
fn a_connection_that_is_kept_alive_goes_stale() {
    let upstream = Faultd::start(openai::text("hi").close());
    let mut socket = ask(&upstream);
    let (bytes, end) = read_on(&mut socket);
    assert!(!String::from_utf8(bytes).unwrap().to_lowercase().contains("connection: close"));
    assert_eq!(end, Ending::Fin);
    // As from any server that is gone, a reset: at the write or at the read after it.
    assert!(upstream.wait_for(|record| record.open == 0, SECOND));
    let written = socket.write_all(REQUEST);
    std::thread::sleep(Duration::from_millis(20));
    assert!(written.is_err() || socket.write_all(REQUEST).is_err());

    let upstream = Faultd::start(
        Script::new()
            .forever(Reply::cut(Cut::Rst).read(Read::Nothing).on_reused())
            .forever(openai::text("hi")),
    );
    let mut socket = ask(&upstream);
    assert_eq!(read_on(&mut socket).1, Ending::Open);
    socket.write_all(REQUEST).unwrap();
    assert_eq!(read_on(&mut socket), (Vec::new(), Ending::Rst));
    assert_eq!(answer(&upstream).1, Ending::Open);
}

#[test]
fn a_connection_goes_wrong_before_any_request() {
    for (what, expected, ending) in [
        (OnConnect::Reset, "", Ending::Rst),
        (OnConnect::Close, "", Ending::Fin),
        (OnConnect::Hang, "", Ending::Open),
        (OnConnect::Raw(vec![Step::Send("garbage".into())]), "garbage", Ending::Fin),
        (OnConnect::Raw(vec![Step::Send("x".into()), Step::Cut(Cut::Rst)]), "x", Ending::Rst),
    ] {
        let upstream = Faultd::start(Script::new().on_connect(what.clone()).on_connect(OnConnect::Serve));
        let mut socket = connect(&upstream);
        let (bytes, end) = read_on(&mut socket);
        assert_eq!((String::from_utf8(bytes).unwrap().as_str(), end), (expected, ending), "{what:?}");
        assert!(upstream.requests().is_empty());
        assert!(text(&upstream).starts_with("HTTP/1.1 404"), "the next one is served");
        drop(socket);
        assert!(upstream.wait_for(|record| record.open == 0, SECOND), "{what:?}");
    }
}

#[test]
fn a_port_is_given_up_and_taken_again() {
    let upstream = Faultd::start(Script::new().reply(Reply::status(200).times(2)).then_refuse());
    let mut socket = ask(&upstream);
    read_on(&mut socket);
    assert!(text(&upstream).starts_with("HTTP/1.1 200"));
    let refused = || connect_to(upstream.port()).map_err(|error| error.kind()).err();
    std::thread::sleep(Duration::from_millis(20));
    assert_eq!(refused(), Some(ErrorKind::ConnectionRefused));
    socket.write_all(REQUEST).unwrap();
    assert_eq!(read_on(&mut socket).1, Ending::Rst);

    upstream.script(openai::text("back"));
    std::thread::sleep(Duration::from_millis(50));
    assert!(text(&upstream).contains("back"));
    upstream.listen(false);
    std::thread::sleep(Duration::from_millis(20));
    assert_eq!(refused(), Some(ErrorKind::ConnectionRefused));
}

#[test]
fn ports_that_take_no_connection() {
    let refused = faultd::refused_port();
    assert_eq!(connect_to(refused.port()).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    let full = faultd::full_backlog();
    assert_eq!(connect_to(full.port()).unwrap_err().kind(), ErrorKind::TimedOut);
}

#[test]
fn a_way_through_is_given_to_connect() {
    let behind = Faultd::start(openai::text("behind"));
    let proxy = Faultd::start(
        Script::new()
            .reply(Reply::status(407).header("proxy-authenticate", "Basic realm=\"x\""))
            .reply(Reply::tunnel(format!("127.0.0.1:{}", behind.port()))),
    );
    let mut socket = connect(&proxy);
    socket.write_all(b"CONNECT api.example:443 HTTP/1.1\r\nhost: api.example:443\r\n\r\n").unwrap();
    assert!(read_on(&mut socket).0.starts_with(b"HTTP/1.1 407 "));
    socket.write_all(b"CONNECT api.example:443 HTTP/1.1\r\nProxy-Authorization: Basic eA==\r\n\r\n").unwrap();
    assert_eq!(read_on(&mut socket).0, b"HTTP/1.1 200 Connection established\r\n\r\n");
    socket.write_all(REQUEST).unwrap();
    assert!(read_on(&mut socket).0.ends_with(b"}"));
    assert_eq!(behind.requests().len(), 1);
    assert_eq!(proxy.requests()[1].target, "api.example:443");
    assert_eq!(proxy.requests()[1].header("proxy-authorization"), Some("Basic eA=="));
}

#[test]
fn dropping_it_closes_its_sockets() {
    let upstream = Faultd::start(Reply::hang());
    let mut socket = ask(&upstream);
    assert!(upstream.wait_for(|record| record.in_flight == 1, SECOND));
    let port = upstream.port();
    drop(upstream);
    assert_eq!(read_on(&mut socket).1, Ending::Fin);
    assert!(connect_to(port).is_err());
}

/// How many connections this process may hold both ends of, at most 2,000.
fn many() -> u64 {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let files = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let files = files.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    (files.unwrap_or(256) / 2).saturating_sub(100).clamp(20, 2000)
}

#[test]
fn thousands_of_connections_at_once() {
    let many = many();
    let upstream = Faultd::start(Reply::auto(Auto::text("hi")).after(1000));
    let mut sockets: Vec<TcpStream> = (0..many).map(|_| ask(&upstream)).collect();
    assert!(upstream.wait_for(|record| record.max_in_flight > many / 4, SECOND));
    for socket in &mut sockets {
        socket.set_read_timeout(Some(10 * SECOND)).unwrap();
        let mut start = [0; 15];
        socket.read_exact(&mut start).unwrap();
        assert_eq!(&start, b"HTTP/1.1 200 OK");
    }
    assert_eq!(upstream.record().open, many);
    drop(sockets);
    assert!(upstream.wait_for(|record| record.open == 0 && record.in_flight == 0, SECOND));
}

#[test]
fn answers_by_themselves_come_in_the_tongue_of_the_path() {
    let auto = Auto { chunks: 2, ..Auto::text("Hello") };
    let upstream = Faultd::start(Reply::auto(auto.clone()).header("x-more", "1"));
    let ask = |path: &str, body: &str| {
        let mut socket = connect(&upstream);
        write!(socket, "POST {path} HTTP/1.1\r\ncontent-length: {}\r\n\r\n{body}", body.len()).unwrap();
        String::from_utf8(read_on(&mut socket).0).unwrap()
    };
    for (path, whole, streamed) in [
        ("/v1/chat/completions", "\"chat.completion\"", "\"delta\":{\"content\":\"llo\"}"),
        ("/v1/messages?beta=true", "\"type\":\"message\"", "\"type\":\"text_delta\",\"text\":\"llo\""),
    ] {
        let answer = ask(path, "{}");
        assert!(answer.contains(whole) && answer.contains("Hello"), "{answer}");
        let answer = ask(path, r#"{"messages":[],"stream": true}"#);
        assert!(answer.contains(streamed) && answer.contains("text/event-stream"), "{answer}");
        assert!(answer.contains("x-more: 1\r\n"), "{answer}");
    }
    upstream.script(Reply::auto(Auto { tongue: Tongue::Anthropic, ..auto }));
    assert!(ask("/anything", "{}").contains("\"type\":\"message\""));
}

/// The events' data, without the name of each.
fn data(reply: &Reply) -> Vec<Value> {
    let sent = reply.steps.iter().map(|step| match step {
        Step::Send(data) => data.text(),
        other => panic!("{other:?}"),
    });
    let events =
        sent.map(|event| event.lines().find_map(|line| line.strip_prefix("data: ")).unwrap().to_owned());
    events.filter(|data| data != "[DONE]").map(|data| serde_json::from_str(&data).unwrap()).collect()
}

#[test]
fn tongues_have_their_shapes() {
    let events = data(&anthropic::stream(&["Hel", "lo"]));
    let types: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    let expected = "message_start content_block_start ping content_block_delta content_block_delta \
                    content_block_stop message_delta message_stop";
    assert_eq!(types.join(" "), expected);
    let input: String = data(&anthropic::tool_call_stream("add", r#"{"a":1}"#))
        .iter()
        .filter_map(|event| event["delta"]["partial_json"].as_str())
        .collect();
    assert_eq!(input, r#"{"a":1}"#);
    let arguments: String = data(&openai::tool_call_stream("add", r#"{"a":1}"#))
        .iter()
        .filter_map(|event| event["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"].as_str())
        .collect();
    assert_eq!(arguments, r#"{"a":1}"#);
    let events = data(&openai::stream(&["Hel", "lo"]));
    assert_eq!(events.len(), 5, "role, two pieces, finish, usage");
    assert_eq!(events[4]["usage"]["total_tokens"], 11);
    assert!(text(&Faultd::start(openai::error(429, "t", "", "m"))).contains(r#""code":null"#));
    let overloaded = Faultd::start(anthropic::error(529, "overloaded_error", "Overloaded"));
    assert!(text(&overloaded).contains(r#"{"type":"overloaded_error","message":"Overloaded"}"#));
}

#[test]
fn a_script_is_json() {
    let script: Script = serde_json::from_value(json!({
        "on_connect": ["reset", {"half_handshake": "hang"}, "serve"],
        "replies": [
            {"status": 429, "headers": [["retry-after", "1"]], "body": "{}", "when": {"path": "/v1"}},
            {"framing": "chunked", "body": [{"send": {"base64": "AP8="}}, {"sleep": 50}, {"cut": "rst"}]},
            {"status": null, "framing": "none", "body": ["hang"], "times": null, "read": "head"},
            {"auto": {"tongue": "anthropic", "text": "hi"}, "cut_after": 120, "end": "rst"},
        ],
        "then": "refuse",
    }))
    .unwrap();
    assert_eq!(script.replies[1].steps[0], Step::Send(b"\x00\xff".into()));
    assert_eq!(
        script.replies[2],
        Reply { times: None, end: End::KeepAlive, ..Reply::hang().read(Read::Head) }
    );
    let again: Script = serde_json::from_str(&serde_json::to_string(&script).unwrap()).unwrap();
    assert_eq!(again, script);
    assert!(serde_json::from_str::<Script>(r#"{"replies": [{"stauts": 200}]}"#).is_err());
}

#[tokio::test(start_paused = true)]
async fn waiting_takes_real_time_where_the_clock_is_paused() {
    let upstream = Faultd::start(Reply::hang());
    let socket = ask(&upstream);
    assert!(upstream.wait_for_async(|record| record.in_flight == 1, SECOND).await);
    let before = tokio::time::Instant::now();
    assert!(!upstream.wait_for_async(|record| record.closed() == 1, Duration::from_millis(50)).await);
    assert!(before.elapsed() < Duration::from_millis(50), "the clock did not run ahead");
    drop(socket);
    assert!(upstream.wait_for_async(|record| record.closed() == 1, SECOND).await);
}

#[test]
fn the_command_does_what_its_stdin_says() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_faultd"))
        .args(["--auto", "openai", "--text", "hi there"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = move || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();
    let hello = next();
    let port = u16::try_from(hello["port"].as_u64().unwrap()).unwrap();
    assert_eq!(hello["url"], format!("http://127.0.0.1:{port}"));
    let ask = || {
        let mut socket = connect_to(port).unwrap();
        socket.write_all(REQUEST).unwrap();
        String::from_utf8(read_on(&mut socket).0).unwrap()
    };
    let mut tell = |command: Value| {
        writeln!(stdin, "{command}").unwrap();
        next()
    };
    assert!(ask().contains("hi there"));
    assert_eq!(tell(json!({"wait": {"requests": 1}})), json!({"ok": true}));
    assert_eq!(tell(json!({"wait": {"closed": 1, "within_ms": 10}})), json!({"ok": false}));
    assert_eq!(tell(json!({"record": true}))["requests"][0]["body"], "{}");
    let script = json!({"replies": [{"status": null, "framing": "none", "body": "raw", "end": "fin"}]});
    assert_eq!(tell(json!({"script": script, "clear": true})), json!({"ok": true}));
    assert_eq!(ask(), "raw");
    assert_eq!(tell(json!({"record": true}))["requests"].as_array().map(Vec::len), Some(1));
    assert!(tell(json!({"scirpt": 1}))["error"].as_str().unwrap().contains("scirpt"));
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_record_that_is_not_kept_is_counted() {
    let upstream = faultd::Options::new().unrecorded().start(openai::text("hi"));
    answer(&upstream);
    let Record { requests, requested, max_in_flight, accepted, .. } = upstream.record();
    assert_eq!((requests.len(), requested, max_in_flight, accepted), (0, 1, 1, 1));
}

/// What a listener that is not ours gets is not asked of faultd: the helper itself can tell an end.
#[test]
fn the_client_of_these_tests_tells_fin_from_reset() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    for (leave, ending) in [(drop as fn(TcpStream), Ending::Fin), (reset as fn(TcpStream), Ending::Rst)] {
        let mut socket = connect_to(port).unwrap();
        leave(listener.accept().unwrap().0);
        assert_eq!(read_on(&mut socket).1, ending);
    }
}
