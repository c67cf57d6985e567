//! What stands here when the program is built without the feature `otel`: nothing is traced.

use std::time::Duration;

use stead_core::Time;
use stead_core::effect::AttemptId;
use stead_core::ids::StreamId;

use super::{About, Request};
use crate::driver::Stepped;
use crate::log::Log;

/// Where spans go: nowhere.
#[derive(Debug, Clone, Default)]
pub struct Traces(());

impl Traces {
    /// None.
    ///
    /// # Errors
    /// Never.
    pub fn of_environment(_: impl Fn(&str) -> Option<String>, _: &Log) -> Result<Self, String> {
        Ok(Self(()))
    }

    /// No.
    pub fn is_on(&self) -> bool {
        false
    }

    pub(crate) fn stepped(&self, _: &Stepped, _: Time, _: impl FnMut(&StreamId) -> About) {}

    pub(crate) fn parent(&self, _: &AttemptId, _: &StreamId) -> Option<String> {
        None
    }

    /// Nothing is sent.
    pub fn request(&self, _: &Request<'_>) {}

    /// Nothing waits to be sent.
    pub fn leave(&self, _: Duration) {}
}
