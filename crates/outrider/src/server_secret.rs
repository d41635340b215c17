//! The secret with which API keys are made: 256 random bits in a file of the data directory that only its owner may
//! read. It stands beside the catalog, not in it: who reads the database, or a dump of it, learns no key.

use anyhow::Context;
use fleet::ServerSecret;
use rand::RngExt;
use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

/// The secret of this data directory; made when there is none.
///
/// # Errors
/// When the file cannot be read or written, or holds something else.
pub fn ensure(data_dir: &Path, randomness: &mut impl rand::CryptoRng) -> anyhow::Result<ServerSecret> {
    let path = data_dir.join("secret");
    let place = || path.display().to_string();
    match fs::read(&path) {
        Ok(bytes) => bytes.try_into().map(ServerSecret).map_err(|bytes: Vec<u8>| {
            anyhow::anyhow!("{} holds {} bytes, not a secret of 32", place(), bytes.len())
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let secret = ServerSecret(randomness.random());
            keep(data_dir, &path, &secret).with_context(place)?;
            Ok(secret)
        }
        Err(error) => Err(error).with_context(place),
    }
}

/// Whole or not at all, whenever the machine stops.
fn keep(data_dir: &Path, path: &Path, secret: &ServerSecret) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(&secret.0)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    File::open(data_dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{SeedableRng, rngs::StdRng};
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn is_made_once_and_kept_for_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let mut randomness = StdRng::seed_from_u64(1);
        let made = ensure(folder.path(), &mut randomness).unwrap();
        let found = ensure(folder.path(), &mut randomness).unwrap();
        assert_eq!(made.0, found.0);
        let path = folder.path().join("secret");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(&path, "short").unwrap();
        assert!(ensure(folder.path(), &mut randomness).is_err_and(|e| e.to_string().contains("5 bytes")));
    }
}
