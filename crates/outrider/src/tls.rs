//! The certificate of `[tls]`, as listeners accept connections with it.

use crate::config;
use anyhow::{Context, bail};
use std::{path::Path, sync::Arc};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};

/// What to accept connections with.
pub struct Tls {
    pub http: TlsAcceptor,
    pub devices: TlsAcceptor,
}

impl Tls {
    /// Reads the files; `None` when the configuration names none.
    ///
    /// # Errors
    /// With the key of the configuration whose file cannot be read, is no PEM, or does not fit the other.
    pub fn load(settings: &config::Tls) -> anyhow::Result<Option<Self>> {
        let (Some(certificate), Some(key)) = (&settings.certificate, &settings.key) else { return Ok(None) };
        let chain = chain(certificate)
            .with_context(|| format!("[tls] certificate: cannot use {}", certificate.display()))?;
        let of_key = || format!("[tls] key: cannot use {}", key.display());
        let private = PrivateKeyDer::from_pem_file(key).with_context(of_key)?;
        let devices = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, private)
            .with_context(of_key)?;
        let mut http = devices.clone();
        http.alpn_protocols = vec![b"http/1.1".to_vec()];
        let acceptor = |config| TlsAcceptor::from(Arc::new(config));
        Ok(Some(Self { http: acceptor(http), devices: acceptor(devices) }))
    }
}

fn chain(file: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let chain = CertificateDer::pem_file_iter(file)?.collect::<Result<Vec<_>, _>>()?;
    if chain.is_empty() {
        bail!("there is no certificate in it");
    }
    Ok(chain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn what_is_wrong_names_its_key() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let made = || rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (one, other) = (made(), made());
        let certificate = file("certificate.pem", &one.cert.pem());
        let key = file("key.pem", &one.signing_key.serialize_pem());
        let others = file("others.pem", &other.signing_key.serialize_pem());
        let nothing = file("nothing.pem", "nothing");
        let missing = folder.path().join("missing.pem");
        for (certificate, key, expected) in [
            (&certificate, &key, None),
            (&missing, &key, Some("[tls] certificate: cannot use ")),
            (&nothing, &key, Some("[tls] certificate: cannot use ")),
            (&certificate, &missing, Some("[tls] key: cannot use ")),
            (&certificate, &nothing, Some("[tls] key: cannot use ")),
            (&certificate, &others, Some("[tls] key: cannot use ")),
        ] {
            let (certificate, key) = (Some(certificate.clone()), Some(key.clone()));
            let error = Tls::load(&config::Tls { certificate, key, http: true, admin: false }).err();
            match expected {
                None => assert!(error.is_none(), "{error:?}"),
                Some(expected) => assert!(error.unwrap().to_string().starts_with(expected)),
            }
        }
        let none = config::Tls { certificate: None, key: None, http: true, admin: true };
        assert!(Tls::load(&none).unwrap().is_none());
    }
}
