//! The cases of the Autobahn test suite, rebuilt: an endpoint that echoes texts and otherwise answers as the server does.
//! The list of cases with the answers is docs/websocket-cases.md. It must not need the suite itself.

mod closing;
#[path = "../support/frames.rs"]
mod frames;
mod framing;
mod limits;
mod page;
mod utf8;

use std::collections::BTreeSet;

use parlor_websocket::{CloseCode, Decoder, Event, close, pong, text_header};

use frames::frame;

/// Longest message that the server takes, in bytes.
const LIMIT: u32 = 1 << 20;

const TEXT: u8 = 0x81;
const TEXT_BEGINS: u8 = 0x01;
const BINARY: u8 = 0x82;
const MORE: u8 = 0x00;
const LAST: u8 = 0x80;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8a;

/// What the endpoint answers.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    Text(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>),
}

impl Answer {
    fn is_close(&self) -> bool {
        matches!(self, Self::Close(_))
    }

    /// The frame, by its definition.
    fn bytes(&self) -> Vec<u8> {
        let (first, payload) = match self {
            Self::Text(text) => (TEXT, text.clone()),
            Self::Pong(payload) => (PONG, payload.clone()),
            Self::Close(code) => (CLOSE, code.map(u16::to_be_bytes).into_iter().flatten().collect()),
        };
        let length = payload.len();
        let header = match length {
            0..=125 => vec![first, length as u8],
            126..=0xffff => [&[first, 126], &(length as u16).to_be_bytes()[..]].concat(),
            _ => [&[first, 127], &(length as u64).to_be_bytes()[..]].concat(),
        };
        [header, payload].concat()
    }
}

/// What the client sends before it waits, and the answers that must be there then.
#[derive(Debug, Clone)]
struct Step {
    sends: Vec<Vec<u8>>,
    answers: Vec<Answer>,
}

/// The pieces in which a step arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pieces {
    Whole,
    Frames,
    Bytes(usize),
}

/// How the answers compare with those that the suite asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Same,
    /// The suite asks for an echo.
    NoBinary,
    /// The suite asks for an echo.
    TooLong,
    /// The suite accepts any answer.
    Open,
}

/// One case.
#[derive(Debug, Clone)]
struct Case {
    number: String,
    /// What the client sends, in words.
    sends: String,
    pieces: Pieces,
    steps: Vec<Step>,
    verdict: Verdict,
}

impl Case {
    /// A case in which the client waits for nothing.
    fn new(number: impl Into<String>, sends: impl Into<String>, frames: &[Vec<u8>], answers: Vec<Answer>) -> Self {
        Self::of_steps(number, sends, vec![Step { sends: frames.to_vec(), answers }])
    }

    fn of_steps(number: impl Into<String>, sends: impl Into<String>, steps: Vec<Step>) -> Self {
        Self { number: number.into(), sends: sends.into(), pieces: Pieces::Whole, steps, verdict: Verdict::Same }
    }

    fn in_pieces(self, length: usize) -> Self {
        Self { pieces: Pieces::Bytes(length), ..self }
    }

    fn frame_by_frame(self) -> Self {
        Self { pieces: Pieces::Frames, ..self }
    }

    fn with(self, verdict: Verdict) -> Self {
        Self { verdict, ..self }
    }

    /// Plays the client. Panics unless each step has its answers, and the end is a close handshake.
    fn play(&self, limit: u32) {
        let mut endpoint = Endpoint::new(limit);
        for step in &self.steps {
            let mut pieces = match self.pieces {
                Pieces::Whole => vec![step.sends.concat()],
                Pieces::Frames => step.sends.clone(),
                Pieces::Bytes(length) => step.sends.concat().chunks(length).map(<[u8]>::to_vec).collect(),
            };
            pieces.iter_mut().for_each(|piece| endpoint.receive(piece));
            self.compare(&mut endpoint, &step.answers);
        }
        // Whatever was answered before, the client now ends the connection. Only the first close frame is answered.
        let is_closed = self.steps.iter().flat_map(|step| &step.answers).any(Answer::is_close);
        endpoint.receive(&mut frame(CLOSE, &1000u16.to_be_bytes()));
        self.compare(&mut endpoint, if is_closed { &[] } else { &[Answer::Close(Some(1000))] });
    }

    fn compare(&self, endpoint: &mut Endpoint, answers: &[Answer]) {
        let expected: Vec<u8> = answers.iter().flat_map(Answer::bytes).collect();
        let answered = std::mem::take(&mut endpoint.answered);
        let shown = |bytes: &[u8]| format!("{} bytes, {:x?}", bytes.len(), &bytes[..bytes.len().min(40)]);
        assert!(answered == expected, "{}: {} and not {}", self.number, shown(&answered), shown(&expected));
    }
}

/// Answers as the server does, and echoes texts.
struct Endpoint {
    decoder: Decoder,
    message: Vec<u8>,
    answered: Vec<u8>,
}

impl Endpoint {
    fn new(limit: u32) -> Self {
        Self { decoder: Decoder::new(limit), message: Vec::new(), answered: Vec::new() }
    }

    fn receive(&mut self, mut input: &mut [u8]) {
        loop {
            match self.decoder.next(&mut input) {
                Ok(None) => return,
                Ok(Some(Event::Text(piece))) => self.message.extend_from_slice(piece),
                Ok(Some(Event::EndOfMessage)) => {
                    let header = text_header(self.message.len());
                    self.answered.extend_from_slice(header.as_bytes());
                    self.answered.append(&mut self.message);
                }
                Ok(Some(Event::Ping(payload))) => self.answered.extend_from_slice(pong(&payload).as_bytes()),
                Ok(Some(Event::Pong(_))) => {}
                Ok(Some(Event::Close(closing))) => self.close(closing.code()),
                Err(violation) => self.close(Some(violation.close_code())),
            }
        }
    }

    fn close(&mut self, code: Option<CloseCode>) {
        self.answered.extend_from_slice(close(code, "").as_bytes());
    }
}

/// An answer to a text.
fn echo(text: impl AsRef<[u8]>) -> Answer {
    Answer::Text(text.as_ref().to_vec())
}

/// The only answer to what breaks the protocol.
fn failed() -> Vec<Answer> {
    vec![Answer::Close(Some(1002))]
}

/// All cases, in the order of the suite.
fn cases() -> Vec<Case> {
    [framing::cases(), utf8::cases(), closing::cases(), limits::cases()].concat()
}

#[test]
fn every_case_has_its_answers_and_its_row() {
    let cases = cases();
    for case in &cases {
        case.play(LIMIT);
    }
    // The suite has 517 cases, 216 of them of compression.
    let numbers: BTreeSet<&str> = cases.iter().map(|case| &*case.number).collect();
    assert_eq!((cases.len(), numbers.len()), (301, 301));
    // The page is written only if it is true.
    page::check(&cases);
}

#[test]
fn a_larger_limit_takes_the_longest_messages() {
    let too_long = limits::cases().into_iter().filter(|case| case.verdict == Verdict::TooLong).map(|case| case.number);
    let large = limits::with_limit(16 << 20);
    assert!(too_long.eq(large.iter().map(|case| case.number.clone())));
    for case in large {
        assert_eq!(case.verdict, Verdict::Same);
        case.play(16 << 20);
    }
}
