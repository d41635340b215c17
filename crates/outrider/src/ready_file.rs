//! `ready.json` in the data directory: it stands there while all listeners are bound, and says where.

use anyhow::Context;
use serde::Serialize;
use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
};

/// Where the server listens.
#[derive(Clone, Debug, Serialize)]
pub struct Listening {
    pub http: SocketAddr,
    pub admin: SocketAddr,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub any: Option<SocketAddr>,
    /// The same within TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub any_tls: Option<SocketAddr>,
    /// By protocol, as far as they are not closed.
    pub devices: BTreeMap<String, Sockets>,
}

/// Where one protocol listens, by transport.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Sockets {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tcp: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub udp: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<SocketAddr>,
}

/// The file; it goes when this is dropped.
#[derive(Debug)]
pub struct ReadyFile {
    path: PathBuf,
}

impl ReadyFile {
    /// Removes what a process that was killed left behind. For the holder of the data directory's lock, before it
    /// binds anything.
    ///
    /// # Errors
    /// When the file is there and cannot be removed.
    pub fn remove_stale(data_dir: &Path) -> anyhow::Result<()> {
        let path = data_dir.join(NAME);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).with_context(|| path.display().to_string())
            }
            _ => Ok(()),
        }
    }

    /// Writes the file; a reader sees all of it or nothing.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(data_dir: &Path, listening: &Listening) -> anyhow::Result<Self> {
        let path = data_dir.join(NAME);
        let unfinished = data_dir.join(format!("{NAME}.new"));
        let write = || {
            let mut file = fs::File::create(&unfinished)?;
            serde_json::to_writer(&file, listening)?;
            file.write_all(b"\n")?;
            fs::rename(&unfinished, &path)
        };
        write().with_context(|| path.display().to_string())?;
        Ok(Self { path })
    }
}

pub const NAME: &str = "ready.json";

impl Drop for ReadyFile {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(%error, path = %self.path.display(), "could not remove the ready file");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn says_where_the_server_listens_and_goes() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(NAME), "left behind").unwrap();
        ReadyFile::remove_stale(folder.path()).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        ReadyFile::remove_stale(folder.path()).unwrap();

        let [http, admin, tcp] = [8080, 8081, 5027].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let devices =
            BTreeMap::from([("teltonika".to_owned(), Sockets { tcp: Some(tcp), ..Sockets::default() })]);
        let listening = Listening { http, admin, any: None, any_tls: None, devices };
        let file = ReadyFile::write(folder.path(), &listening).unwrap();
        let names: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
        assert_eq!(names, [NAME]);
        let told: Value = serde_json::from_slice(&fs::read(folder.path().join(NAME)).unwrap()).unwrap();
        let devices = json!({ "teltonika": { "tcp": "127.0.0.1:5027" } });
        assert_eq!(told, json!({ "http": "127.0.0.1:8080", "admin": "127.0.0.1:8081", "devices": devices }));
        drop(file);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
