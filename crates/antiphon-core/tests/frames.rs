//! What holds for the frame parsers whatever the bytes are and however they are divided.

use std::time::{Duration, Instant};

use antiphon_core::frames::{Frame, Framer, Framing, MAX_FRAME};
use proptest::prelude::*;

/// Every frame as text, and the error that ended them.
fn parse<'a>(framing: Framing, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
    let mut framer = Framer::new(framing);
    let mut frames = Vec::new();
    for piece in pieces.into_iter().map(Some).chain([None]) {
        match piece {
            Some(bytes) => framer.push(bytes),
            None => framer.finish(),
        }
        loop {
            match framer.next_frame() {
                Ok(Some(frame)) => frames.push(format!("{frame:?}")),
                Ok(None) => break,
                Err(error) => frames.push(error.message().to_owned()),
            }
        }
    }
    frames
}

/// Bytes that look like a stream more often than random ones do.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let pieces: Vec<&[u8]> = vec![
        b"data",
        b":",
        b" ",
        b"\n",
        b"\r",
        b"\r\n",
        b"\n\n",
        b"event",
        b"id",
        b"retry",
        b"x",
        b"data: {\"a\":1}\n\n",
        b"data: ",
        b"\xEF\xBB\xBF",
        b"\xEF",
        b"\xBB",
        b"\xFF",
        b"\0",
        b": ping\n\n",
        "🙂".as_bytes(),
    ];
    let piece = prop_oneof![
        8 => proptest::sample::select(pieces).prop_map(<[u8]>::to_vec),
        1 => proptest::collection::vec(any::<u8>(), 0..4),
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn divided(bytes: &[u8], cuts: &[prop::sample::Index]) -> Vec<Vec<u8>> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    cuts.sort_unstable();
    let ends = cuts.iter().copied().chain([bytes.len()]);
    let begins = [0].into_iter().chain(cuts.iter().copied());
    begins.zip(ends).map(|(begin, end)| bytes[begin..end].to_vec()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_division_gives_the_same_frames(
        bytes in bytes(),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..10),
    ) {
        for framing in [Framing::Sse, Framing::Ndjson, Framing::Body, Framing::LongBody] {
            let expected = parse(framing, [&bytes[..]]);
            let pieces = divided(&bytes, &cuts);
            prop_assert_eq!(&parse(framing, pieces.iter().map(Vec::as_slice)), &expected);
            prop_assert_eq!(&parse(framing, bytes.chunks(1)), &expected);
        }
    }

    #[test]
    fn an_event_comes_back_as_it_was_written(lines in proptest::collection::vec("[^\r\n]{0,20}", 1..5)) {
        let text: String = lines.iter().map(|line| format!("data: {line}\n")).collect();
        let expected = format!("{:?}", Frame::data(&lines.join("\n")));
        prop_assert_eq!(parse(Framing::Sse, [format!("{text}\n").as_bytes()]), vec![expected]);
    }
}

fn timed(framing: Framing, bytes: &[u8], piece: usize) -> (usize, Duration) {
    let begin = Instant::now();
    let frames = parse(framing, bytes.chunks(piece)).len();
    (frames, begin.elapsed())
}

/// Twice the bytes may not take four times as long. The bound is wide, for the machine may be busy; what is
/// quadratic takes minutes here.
#[test]
fn time_is_linear_in_the_bytes() {
    for (framing, event) in [(Framing::Sse, &b"data: {}\n\n"[..]), (Framing::Ndjson, b"{}\n")] {
        for piece in [1 << 10, 1 << 30] {
            let (frames, elapsed) = timed(framing, &event.repeat(1_000_000), piece);
            assert_eq!(frames, 1_000_000);
            assert!(elapsed < Duration::from_secs(20), "{framing:?} in pieces of {piece}: {elapsed:?}");
        }
    }
}

#[test]
fn a_line_above_the_cap_is_an_error_however_it_comes() {
    for framing in [Framing::Sse, Framing::Ndjson] {
        for piece in [1 << 10, 1 << 20, 1 << 30] {
            let bytes = [&b"data: "[..], &vec![b'x'; 64 << 20]].concat();
            let begin = Instant::now();
            let frames = parse(framing, bytes.chunks(piece));
            assert_eq!(frames.len(), 1);
            assert!(frames[0].contains("larger than"), "{frames:?}");
            assert!(begin.elapsed() < Duration::from_secs(10), "{framing:?} in pieces of {piece}");
        }
    }
}

#[test]
fn an_event_just_below_the_cap_is_given() {
    let text = "x".repeat(MAX_FRAME - 16);
    let bytes = format!("data: {text}\n\n");
    let frames = parse(Framing::Sse, bytes.as_bytes().chunks(4096));
    assert_eq!(frames, [format!("{:?}", Frame::data(&text))]);
}
