//! HTTP requests of devices: finds one whole request at the start of a buffer, reads it, writes the response.
//! HTTP/1.0 and 1.1 (RFC 9112); bodies by length or in chunks.

use crate::{Broken, Event, Events, Framing, Recognition};
use domain::DeviceId;
use std::{borrow::Cow, io::Write, mem::MaybeUninit};

/// A head may have so many bytes and header lines.
const MAX_HEAD: usize = 16 * 1024;
const MAX_HEADERS: usize = 64;
/// They are walked through whenever more bytes arrive, so that a body in crumbs would cost its square.
const MAX_CHUNKS: usize = 1024;

/// A request whose body has arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    pub method: &'a str,
    /// Without the query.
    pub path: &'a str,
    /// What stands behind the `?`; empty for nothing.
    pub query: &'a str,
    pub content_type: &'a str,
    /// The value of `Authorization`.
    pub authorization: Option<&'a str>,
    pub connection: Persistence,
    pub body: Cow<'a, [u8]>,
    /// The header lines as they came, for names that only one protocol knows.
    head: &'a [u8],
}

/// Whether the client wants to go on over the same connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Persistence {
    #[default]
    KeepAlive,
    Close,
}

/// Finds a request at the start of `buffer`, head and body together at most `max` bytes.
///
/// # Errors
/// When the bytes are no HTTP request, or it is too long.
pub fn frame(buffer: &[u8], max: usize) -> Result<Framing, Broken> {
    if let [b'\r' | b'\n', ..] = buffer {
        // RFC 9112, 2.2: empty lines before a request are to be ignored.
        return Ok(Framing::Skip(buffer.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count()));
    }
    let Some(head) = head(buffer)? else { return Ok(Framing::Incomplete) };
    let body = &buffer[head.length..];
    let length = match head.body {
        Body::Length(length) => Some(length).filter(|length| body.len() >= *length),
        Body::Chunks => chunks(body, |_| {})?,
    };
    let known = match head.body {
        Body::Length(length) => length,
        Body::Chunks => length.unwrap_or(body.len()),
    };
    let total = head.length.saturating_add(known);
    if total > max {
        return Err(Broken::TooLong { length: total, limit: max });
    }
    Ok(if length.is_some() { Framing::Frame(total) } else { Framing::Incomplete })
}

/// For the `any` port: whether bytes begin with a request in which `device` finds a device's name.
pub fn recognise_device(
    start: &[u8],
    max: usize,
    device: impl Fn(&Request<'_>) -> Option<String>,
) -> Recognition {
    match frame(start, max) {
        Ok(Framing::Incomplete) if matches!(head(start), Ok(Some(_))) => Recognition::Begun,
        Ok(Framing::Incomplete) => Recognition::Unsure,
        Ok(Framing::Frame(length)) => {
            let id = Request::parse(&start[..length]).ok().and_then(|request| device(&request));
            match id.map(|id| DeviceId::new(&id)) {
                Some(Ok(id)) => Recognition::Login(id),
                _ => Recognition::No,
            }
        }
        _ => Recognition::No,
    }
}

/// Answers a request, and closes the connection behind the answer if the client asked for that.
pub fn answer(status: Status, content_type: &str, body: &[u8], connection: Persistence, events: &mut Events) {
    events.push_back(Event::ReplyNow(response(status, content_type, body, connection)));
    if connection == Persistence::Close {
        events.push_back(Event::Close);
    }
}

/// Answers a request of a device that may not speak. It may be registered before the client asks again, on a new
/// connection.
pub fn refuse(events: &mut Events) {
    events.push_back(Event::ReplyNow(response(Status::Forbidden, "", b"", Persistence::Close)));
    events.push_back(Event::Close);
}

impl<'a> Request<'a> {
    /// Reads what `frame` has found.
    ///
    /// # Errors
    /// When the bytes are not exactly one request.
    pub fn parse(frame: &'a [u8]) -> Result<Self, Broken> {
        let head = head(frame)?.ok_or(NO_REQUEST)?;
        let body = &frame[head.length..];
        let body = match head.body {
            Body::Length(length) if length == body.len() => Cow::Borrowed(body),
            Body::Length(_) => return Err(NO_REQUEST),
            Body::Chunks => {
                let mut data = Vec::new();
                match chunks(body, |chunk| data.extend_from_slice(chunk))? {
                    Some(length) if length == body.len() => Cow::Owned(data),
                    _ => return Err(NO_REQUEST),
                }
            }
        };
        let (path, query) = head.target.split_once('?').unwrap_or((head.target, ""));
        let (content_type, authorization) = (head.content_type, head.authorization);
        let (method, connection) = (head.method, head.connection);
        let head = &frame[..head.length];
        Ok(Self { method, path, query, content_type, authorization, connection, body, head })
    }

    /// The header of that name, in whatever case.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        request.parse(self.head).ok()?;
        let header = headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(header.value).ok()
    }

    /// Names and values of the query, then of a form in the body, decoded.
    pub fn parameters(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        let form = if self.is_json() { &[][..] } else { self.body.trim_ascii() };
        form_urlencoded::parse(self.query.as_bytes()).chain(form_urlencoded::parse(form))
    }

    /// A body that begins like JSON is JSON, whatever its content type says.
    pub fn is_json(&self) -> bool {
        matches!(self.body.trim_ascii_start().first(), Some(b'{' | b'['))
    }
}

/// A response with a body that may be empty.
fn response(status: Status, content_type: &str, body: &[u8], connection: Persistence) -> Vec<u8> {
    let connection = match connection {
        Persistence::KeepAlive => "keep-alive",
        Persistence::Close => "close",
    };
    let line = match status {
        Status::Ok => "200 OK",
        Status::BadRequest => "400 Bad Request",
        Status::Forbidden => "403 Forbidden",
    };
    let mut response = Vec::with_capacity(128 + body.len());
    // Writing to a vector does not fail.
    let _ = write!(response, "HTTP/1.1 {line}\r\n");
    if !body.is_empty() {
        let _ = write!(response, "Content-Type: {content_type}\r\n");
    }
    let _ = write!(response, "Content-Length: {}\r\nConnection: {connection}\r\n\r\n", body.len());
    response.extend_from_slice(body);
    response
}

/// What devices are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Ok,
    BadRequest,
    Forbidden,
}

const NO_REQUEST: Broken = Broken::NotAFrame("not an HTTP request");

struct Head<'a> {
    length: usize,
    method: &'a str,
    target: &'a str,
    content_type: &'a str,
    authorization: Option<&'a str>,
    connection: Persistence,
    body: Body,
}

enum Body {
    Length(usize),
    Chunks,
}

/// `None` when its end is missing.
fn head(buffer: &[u8]) -> Result<Option<Head<'_>>, Broken> {
    let mut headers = [const { MaybeUninit::uninit() }; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut []);
    let start = &buffer[..buffer.len().min(MAX_HEAD)];
    let length = match request.parse_with_uninit_headers(start, &mut headers) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if buffer.len() >= MAX_HEAD => {
            return Err(Broken::TooLong { length: buffer.len(), limit: MAX_HEAD });
        }
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(_) => return Err(NO_REQUEST),
    };
    let (Some(method), Some(target)) = (request.method, request.path) else { return Err(NO_REQUEST) };
    let mut head = Head {
        length,
        method,
        target,
        content_type: "",
        authorization: None,
        connection: if request.version == Some(0) { Persistence::Close } else { Persistence::KeepAlive },
        body: Body::Length(0),
    };
    let mut said_length = None;
    for header in request.headers.iter() {
        let Ok(value) = std::str::from_utf8(header.value) else { continue };
        let named = |name: &str| header.name.eq_ignore_ascii_case(name);
        if named("content-length") {
            let length = crate::fields::integer::<usize>(value.as_bytes()).ok_or(NO_REQUEST)?;
            // Two lengths that differ are how requests are smuggled (RFC 9112, 6.3).
            if said_length.replace(length).is_some_and(|before| before != length) {
                return Err(NO_REQUEST);
            }
        } else if named("transfer-encoding") {
            if !value.eq_ignore_ascii_case("chunked") {
                return Err(NO_REQUEST);
            }
            head.body = Body::Chunks;
        } else if named("content-type") {
            head.content_type = value;
        } else if named("authorization") {
            head.authorization = Some(value);
        } else if named("connection") {
            if value.eq_ignore_ascii_case("close") {
                head.connection = Persistence::Close;
            } else if value.eq_ignore_ascii_case("keep-alive") {
                head.connection = Persistence::KeepAlive;
            }
        }
    }
    match (&head.body, said_length) {
        (Body::Chunks, Some(_)) => return Err(NO_REQUEST),
        (Body::Length(_), Some(length)) => head.body = Body::Length(length),
        _ => {}
    }
    Ok(Some(head))
}

/// A body in chunks: gives each to `data`, and says how many bytes they take with the trailer. `None` when the end is
/// missing.
fn chunks(body: &[u8], mut data: impl FnMut(&[u8])) -> Result<Option<usize>, Broken> {
    let mut at = 0;
    for _ in 0..MAX_CHUNKS {
        let rest = &body[at..];
        let Ok(parsed) = httparse::parse_chunk_size(rest) else { return Err(NO_REQUEST) };
        let httparse::Status::Complete((line, size)) = parsed else { return Ok(None) };
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        if size == 0 {
            let trailer = &rest[line..];
            let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
            return match httparse::parse_headers(trailer, &mut headers) {
                Ok(httparse::Status::Complete((length, _))) => Ok(Some(at + line + length)),
                Ok(httparse::Status::Partial) => Ok(None),
                Err(_) => Err(NO_REQUEST),
            };
        }
        let Some(end) = line.checked_add(size) else { return Err(NO_REQUEST) };
        let Some(chunk) = rest.get(line..end) else { return Ok(None) };
        match rest[end..] {
            [b'\r', b'\n', ..] => {}
            [] | [b'\r'] => return Ok(None),
            _ => return Err(NO_REQUEST),
        }
        data(chunk);
        at += end + 2;
    }
    Err(Broken::NotAFrame("a body in too many chunks"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: usize = 64 * 1024;
    const GET: &[u8] = b"GET /track?id=7&name=a%20b HTTP/1.1\r\nHost: x\r\n\r\n";
    const POST: &[u8] =
        b"POST / HTTP/1.0\r\nContent-Type: text/plain\r\ncontent-length: 6\r\nX-Limit-U: me\r\n\r\nid=7&a";
    const CHUNKED: &[u8] =
        b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{\"a\"\r\n3\r\n:1}\r\n0\r\n\r\n";

    #[test]
    fn a_request_is_whole_or_not_there_yet() {
        for request in [GET, POST, CHUNKED] {
            for cut in 0..request.len() {
                let framing = frame(&request[..cut], MAX);
                assert_eq!(framing, Ok(Framing::Incomplete), "{cut} bytes of {request:?}");
            }
            let glued = [request, GET].concat();
            assert_eq!(frame(&glued, MAX), Ok(Framing::Frame(request.len())));
            assert!(Request::parse(&glued).is_err(), "more than one request");
        }
        assert_eq!(frame(b"\r\nGET", MAX), Ok(Framing::Skip(2)));
    }

    #[test]
    fn a_request_is_recognised_when_it_is_whole() {
        let device = |_: &Request<'_>| Some("a".to_owned());
        let login = Recognition::Login(DeviceId::new("a").unwrap());
        for request in [GET, POST, CHUNKED] {
            let head = request.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4;
            for cut in 0..request.len() {
                let expected = if cut < head { Recognition::Unsure } else { Recognition::Begun };
                let recognised = recognise_device(&request[..cut], MAX, device);
                assert_eq!(recognised, expected, "{cut} bytes of {request:?}");
            }
            assert_eq!(recognise_device(request, MAX, device), login, "{request:?}");
            assert_eq!(recognise_device(request, MAX, |_| None), Recognition::No, "{request:?}");
        }
    }

    #[test]
    fn reads_a_request() {
        let get = Request::parse(GET).unwrap();
        assert_eq!((get.method, get.path, get.query), ("GET", "/track", "id=7&name=a%20b"));
        assert_eq!(get.connection, Persistence::KeepAlive);
        let parameters: Vec<_> = get.parameters().collect();
        assert_eq!(parameters, [("id".into(), "7".into()), ("name".into(), "a b".into())]);

        let post = Request::parse(POST).unwrap();
        assert_eq!((post.content_type, post.connection), ("text/plain", Persistence::Close));
        assert_eq!(post.header("x-limit-u"), Some("me"));
        assert_eq!(post.parameters().count(), 2);

        let chunked = Request::parse(CHUNKED).unwrap();
        assert_eq!(&*chunked.body, b"{\"a\":1}");
        assert!(chunked.is_json());
        assert_eq!(chunked.parameters().count(), 0);
    }

    #[test]
    fn refuses_what_is_no_request_or_too_long() {
        let long_head = [&b"GET / HTTP/1.1\r\nA: "[..], &vec![b'a'; MAX_HEAD]].concat();
        for (bytes, reason) in [
            (&b"\x00\x0f356938035643809"[..], "binary"),
            (b"POST / HTTP/1.1\r\nContent-Length: 70000\r\n\r\n", "a body that is too long"),
            (b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", "no length"),
            (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "two lengths"),
            (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "two ways"),
            (b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", "another encoding"),
            (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "no chunk size"),
            (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc", "a chunk without end"),
            (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n\r\n", "huge chunk"),
            (&long_head, "a head that is too long"),
        ] {
            assert!(frame(bytes, MAX).is_err(), "{reason}");
            assert_eq!(recognise_device(bytes, MAX, |_| None), Recognition::No, "{reason}");
        }
    }

    #[test]
    fn writes_a_response() {
        assert_eq!(
            response(Status::Ok, "application/json", b"[]", Persistence::KeepAlive),
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\n[]"
        );
        assert_eq!(
            response(Status::BadRequest, "", b"", Persistence::Close),
            b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
    }
}
