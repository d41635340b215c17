//! The web console: the files that `web/` was built into, embedded in the binary. Debug builds read them from there at
//! run time; a build without them serves no console.

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use rust_embed::{EmbeddedFile, RustEmbed};
use std::{fmt::Write, sync::Arc};

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../../web/dist"]
#[allow_missing = true]
struct Built;

struct File {
    body: Bytes,
    content_type: String,
    etag: String,
    cache_control: &'static str,
}

/// A route for each file; the page itself is at `/`.
pub fn routes() -> Router {
    Built::iter().filter_map(|name| Some((Built::get(&name)?, name))).fold(
        Router::new(),
        |router, (file, name)| {
            let path = if name == "index.html" { "/".to_owned() } else { format!("/{name}") };
            router.route(&path, get(serve).with_state(Arc::new(File::new(&name, file))))
        },
    )
}

impl File {
    fn new(name: &str, file: EmbeddedFile) -> Self {
        let mut etag = String::from("\"");
        for byte in &file.metadata.sha256_hash()[..8] {
            // Writing to a string does not fail.
            let _ = write!(etag, "{byte:02x}");
        }
        etag.push('"');
        // What the build puts into `assets` has the hash of its content in its name.
        let is_immutable = name.starts_with("assets/");
        Self {
            content_type: file.metadata.mimetype().to_owned(),
            etag,
            cache_control: if is_immutable { "public, max-age=31536000, immutable" } else { "no-cache" },
            body: file.data.into_owned().into(),
        }
    }
}

async fn serve(State(file): State<Arc<File>>, headers: HeaderMap) -> Response {
    let caching = [(header::ETAG, file.etag.as_str()), (header::CACHE_CONTROL, file.cache_control)];
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known == file.etag.as_str()) {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    (caching, [(header::CONTENT_TYPE, file.content_type.as_str())], file.body.clone()).into_response()
}
