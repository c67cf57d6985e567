//! TLS: whom a server has to be vouched for by.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::resolve::NoConnection;
use super::url::Url;
use super::wire::Wire;

/// The authorities of this machine: those of the system, with what its owner added, or the file that
/// `SSL_CERT_FILE` names.
pub(super) fn of_machine() -> Result<Arc<ClientConfig>, String> {
    let found = rustls_native_certs::load_native_certs();
    let why = found.errors.first().map(|error| format!(" ({error})")).unwrap_or_default();
    let config = with_authorities(found.certs)?;
    config.ok_or_else(|| {
        format!(
            "this machine names no authorities that vouch for servers{why}: install the package `ca-certificates`, \
             or name a file with theirs by the environment variable SSL_CERT_FILE"
        )
    })
}

/// These authorities; nothing: there is none that can be used.
pub(super) fn with_authorities(
    certificates: Vec<CertificateDer<'static>>,
) -> Result<Option<Arc<ClientConfig>>, String> {
    let mut roots = RootCertStore::empty();
    // Stores of systems hold one or another that is not understood; servers that need it are not trusted.
    roots.add_parsable_certificates(certificates);
    if roots.is_empty() {
        return Ok(None);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(Some(Arc::new(builder.with_root_certificates(roots).with_no_client_auth())))
}

/// Agrees with the server on a secure connection.
pub(super) fn secure(
    config: Arc<ClientConfig>,
    url: &Url,
    mut wire: Wire,
) -> Result<Box<StreamOwned<ClientConnection, Wire>>, NoConnection> {
    let host = url.host();
    let fail = |why: &dyn std::fmt::Display| {
        NoConnection::Failed(format!("no secure connection to `{host}`: {why}"))
    };
    let name = ServerName::try_from(host.to_owned()).map_err(|error| fail(&error))?;
    let mut connection = ClientConnection::new(config, name).map_err(|error| fail(&error))?;
    while connection.is_handshaking() {
        connection.complete_io(&mut wire).map_err(|error| match error.kind() {
            io::ErrorKind::TimedOut => fail(&"it did not come about in time"),
            io::ErrorKind::UnexpectedEof => fail(&"the server closed the connection"),
            _ => fail(&explained(&error)),
        })?;
    }
    wire.until = None::<Instant>;
    Ok(Box::new(StreamOwned::new(connection, wire)))
}

/// What is wrong with a certificate, and what may help.
fn explained(error: &io::Error) -> String {
    use rustls::CertificateError as E;
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let unknown = match inner {
        Some(rustls::Error::InvalidCertificate(E::UnknownIssuer | E::Other(_))) => {
            ": no authority that this machine knows vouches for it; a file with more of them is named by the environment \
             variable SSL_CERT_FILE"
        }
        _ => "",
    };
    format!("{error}{unknown}")
}
