//! Signing in by a provider of OpenID Connect that the settings of the home name: the authorization code with PKCE.
//!
//! A browser begins here, goes to the provider with what was drawn for it, and comes back with a code, which is exchanged
//! for a signed token here. What the token says is held against what was begun (`token`), and a rule says who of the
//! people that is (`rule`). It is compiled in by the feature `oidc`; without it nobody signs in so.

#[cfg(feature = "oidc")]
mod keys;
#[cfg(feature = "oidc")]
mod rule;
#[cfg(feature = "oidc")]
mod settings;
#[cfg(feature = "oidc")]
mod talk;
#[cfg(feature = "oidc")]
mod token;
#[cfg(feature = "oidc")]
mod way;
#[cfg(not(feature = "oidc"))]
mod without;

#[cfg(feature = "oidc")]
pub use settings::check_provider;
#[cfg(feature = "oidc")]
pub(crate) use way::Providers;
#[cfg(not(feature = "oidc"))]
pub(crate) use without::Providers;
#[cfg(not(feature = "oidc"))]
pub use without::check_provider;

/// Where a provider sends a browser back to, behind the address of the server.
pub const RETURN: &str = "/api/v1/session/oidc/callback";
