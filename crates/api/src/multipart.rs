//! Bodies in parts, as forms with files send them (RFC 7578, RFC 2046 section 5.1): texts become arguments, one file
//! may come along.

use crate::request::Arguments;
use domain::ErrorCode;
use fleet::{Failure, Upload};

/// Parts of one body.
const PARTS: usize = 100;

/// Texts by name, and the first part named `file`.
pub(crate) struct Parts {
    pub(crate) arguments: Arguments,
    pub(crate) file: Option<Upload>,
}

impl Parts {
    /// `None` when the content type is another.
    ///
    /// # Errors
    /// `WrongRequestFormat`.
    pub(crate) fn read(content_type: &str, body: &[u8]) -> Option<Result<Self, Failure>> {
        let (kind, parameters) = content_type.split_once(';')?;
        if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
            return None;
        }
        let boundary =
            parameter(parameters, "boundary").filter(|boundary| (1..=70).contains(&boundary.len()));
        let parts = boundary.and_then(|boundary| parts(boundary, body));
        Some(parts.ok_or_else(|| ErrorCode::WrongRequestFormat.into()))
    }
}

fn parts(boundary: &str, body: &[u8]) -> Option<Parts> {
    let delimiter = format!("\r\n--{boundary}");
    let delimiter = delimiter.as_bytes();
    let mut parts = Parts { arguments: Arguments::new(), file: None };
    // The first delimiter has no line break before it, unless there is a preamble.
    let mut rest = match body.strip_prefix(delimiter.get(2..)?) {
        Some(rest) => rest,
        None => body.get(find(body, delimiter)? + delimiter.len()..)?,
    };
    for _ in 0..PARTS {
        if rest.starts_with(b"--") {
            return Some(parts);
        }
        let (head, content) = split(rest, b"\r\n\r\n")?;
        let (content, after) = split(content, delimiter)?;
        parts.take(std::str::from_utf8(head).ok()?, content)?;
        rest = after;
    }
    None
}

impl Parts {
    fn take(&mut self, head: &str, content: &[u8]) -> Option<()> {
        let header = |wanted: &str| {
            let mut headers = head.lines().filter_map(|line| line.split_once(':'));
            headers.find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim())
        };
        let (_, disposition) = header("content-disposition")?.split_once(';')?;
        let name = parameter(disposition, "name")?;
        if name != "file" {
            self.arguments.insert(name.to_owned(), String::from_utf8(content.to_vec()).ok()?.into());
        } else if self.file.is_none() {
            let said = header("content-type").map(|said| said.split(';').next().unwrap_or_default());
            let content_type = said.map(|said| said.trim().to_ascii_lowercase());
            self.file = Some(Upload { content_type, content: content.to_vec() });
        }
        Some(())
    }
}

/// Of a header's value, with or without quotes. Names of fields have no quotes inside.
fn parameter<'a>(parameters: &'a str, wanted: &str) -> Option<&'a str> {
    let mut all = parameters.split(';').filter_map(|parameter| parameter.split_once('='));
    let (_, value) = all.find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted))?;
    Some(value.trim().trim_matches('"'))
}

fn split<'a>(bytes: &'a [u8], mark: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = find(bytes, mark)?;
    Some((&bytes[..at], &bytes[at + mark.len()..]))
}

fn find(bytes: &[u8], mark: &[u8]) -> Option<usize> {
    bytes.windows(mark.len()).position(|window| window == mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPE: &str = r#"multipart/form-data; boundary="x y""#;

    fn read(body: &[u8]) -> Option<(String, Option<Upload>)> {
        let parts = Parts::read(TYPE, body)?.ok()?;
        Some((serde_json::to_string(&parts.arguments).unwrap_or_default(), parts.file))
    }

    #[test]
    fn texts_and_a_file() {
        let text = b"--x y\r\nContent-Disposition: form-data; name=\"tracker_id\"\r\n\r\n5";
        let file = b"--x y\r\ncontent-disposition: form-data; name=file; filename=\"a.png\"\r\n\
            Content-Type: Image/PNG; a=b\r\n\r\n\x00\r\n--x\r\n";
        let whole = [&text[..], b"\r\n", file, b"\r\n--x y--\r\n"].concat();
        let (arguments, upload) = read(&whole).unwrap();
        assert_eq!(arguments, r#"{"tracker_id":"5"}"#);
        let upload = upload.unwrap();
        assert_eq!(
            (upload.content_type.as_deref(), &*upload.content),
            (Some("image/png"), &b"\x00\r\n--x\r\n"[..])
        );
        let preamble = [b"for old readers\r\n", &text[..], b"\r\n--x y--"].concat();
        assert!(read(&preamble).unwrap().1.is_none());
        for cut in 0..whole.len() - 4 {
            assert!(read(&whole[..cut]).is_none(), "{cut}");
        }
    }

    #[test]
    fn other_types_are_not_ours() {
        for other in ["application/json", "multipart/mixed; boundary=x", "multipart/form-data"] {
            assert!(Parts::read(other, b"").is_none(), "{other}");
        }
        assert!(Parts::read("multipart/form-data; boundary=", b"----").unwrap().is_err());
    }
}
