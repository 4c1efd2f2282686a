//! HTTP/1.1 by hand, so that nothing stands between a script and the socket.

use bytes::{Buf, Bytes, BytesMut};

use super::wire::{Left, Line};

/// Heads beyond this are no requests.
const HEAD_LIMIT: usize = 4 * 1024 * 1024;

/// What a request's head says.
#[derive(Default)]
pub(super) struct Head {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) version: &'static str,
    /// Empty where nobody will read them.
    pub(super) headers: Vec<(String, String)>,
    body: Body,
    expects_continue: bool,
    closes: bool,
}

#[derive(Default, Clone, Copy)]
enum Body {
    #[default]
    None,
    Length(usize),
    Chunked,
}

/// Why there is no request.
pub(super) enum Bad {
    Left(Left),
    Malformed(String),
}

impl From<Left> for Bad {
    fn from(left: Left) -> Self {
        Self::Left(left)
    }
}

impl Head {
    /// A head that says nothing of its body.
    pub(super) fn of(
        method: String,
        target: String,
        version: &'static str,
        headers: Vec<(String, String)>,
    ) -> Self {
        Self { method, target, version, headers, ..Self::default() }
    }

    /// Whether the client wants the connection closed after the answer.
    pub(super) fn closes(&self) -> bool {
        self.closes
    }
}

/// Reads a request's head.
pub(super) async fn head(line: &mut Line, keep_headers: bool) -> Result<Head, Bad> {
    loop {
        if let Some((head, length)) = parse(&line.inbox, keep_headers)? {
            line.inbox.advance(length);
            return Ok(head);
        }
        if line.inbox.len() > HEAD_LIMIT {
            return Err(Bad::Malformed("the head does not end".into()));
        }
        line.read_more().await?;
    }
}

fn parse(bytes: &[u8], keep_headers: bool) -> Result<Option<(Head, usize)>, Bad> {
    match parse_with::<64>(bytes, keep_headers) {
        Err(httparse::Error::TooManyHeaders) => parse_with::<4096>(bytes, keep_headers),
        other => other,
    }
    .map_err(|error| Bad::Malformed(error.to_string()))
}

fn parse_with<const N: usize>(
    bytes: &[u8],
    keep_headers: bool,
) -> Result<Option<(Head, usize)>, httparse::Error> {
    let mut headers = [httparse::EMPTY_HEADER; N];
    let mut request = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(length) = request.parse(bytes)? else { return Ok(None) };
    let old = request.version == Some(0);
    let mut head = Head {
        method: request.method.unwrap_or_default().to_owned(),
        target: request.path.unwrap_or_default().to_owned(),
        version: if old { "HTTP/1.0" } else { "HTTP/1.1" },
        closes: old,
        ..Head::default()
    };
    for header in request.headers.iter() {
        head.note(header.name, header.value);
        if keep_headers {
            head.headers.push((header.name.into(), String::from_utf8_lossy(header.value).into_owned()));
        }
    }
    Ok(Some((head, length)))
}

impl Head {
    fn note(&mut self, name: &str, value: &[u8]) {
        let says = |word: &[u8]| value.trim_ascii().eq_ignore_ascii_case(word);
        if name.eq_ignore_ascii_case("content-length") {
            let length = std::str::from_utf8(value).ok().and_then(|text| text.trim().parse().ok());
            self.body = Body::Length(length.unwrap_or(0));
        } else if name.eq_ignore_ascii_case("transfer-encoding") && says(b"chunked") {
            self.body = Body::Chunked;
        } else if name.eq_ignore_ascii_case("expect") && says(b"100-continue") {
            self.expects_continue = true;
        } else if name.eq_ignore_ascii_case("connection") {
            self.closes = says(b"close") || self.closes && !says(b"keep-alive");
        }
    }
}

/// Reads a request's body; where that fails, `body` has what came of it.
pub(super) async fn body(line: &mut Line, head: &Head, body: &mut Bytes) -> Result<(), Bad> {
    if head.expects_continue {
        line.write(b"HTTP/1.1 100 Continue\r\n\r\n", &mut 0).await?;
    }
    match head.body {
        Body::None => Ok(()),
        Body::Length(length) => {
            line.inbox.reserve(length.saturating_sub(line.inbox.len()));
            let read = fill(line, length).await;
            *body = line.inbox.split_to(length.min(line.inbox.len())).freeze();
            read
        }
        Body::Chunked => {
            let mut parts = BytesMut::new();
            let read = chunks(line, &mut parts).await;
            *body = parts.freeze();
            read
        }
    }
}

async fn fill(line: &mut Line, length: usize) -> Result<(), Bad> {
    while line.inbox.len() < length {
        line.read_more().await?;
    }
    Ok(())
}

async fn chunks(line: &mut Line, body: &mut BytesMut) -> Result<(), Bad> {
    loop {
        match httparse::parse_chunk_size(&line.inbox) {
            Ok(httparse::Status::Partial) => line.read_more().await?,
            Ok(httparse::Status::Complete((start, size))) => {
                line.inbox.advance(start);
                let size = usize::try_from(size).unwrap_or(usize::MAX - 2);
                // Trailers are not read: what ends the last chunk is the empty line.
                fill(line, size + 2).await?;
                body.extend_from_slice(&line.inbox[..size]);
                line.inbox.advance(size + 2);
                if size == 0 {
                    return Ok(());
                }
            }
            Err(_) => return Err(Bad::Malformed("a chunk's size is no number".into())),
        }
    }
}
